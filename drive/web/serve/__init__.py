"""A page in the browser to drive from: the server, its protocol and recording by hand.

command.py, app.py             the `drive serve` command, the web application
protocol.py, messages.py       what the server says; the page's messages as typed structs
hub.py, pictures.py            the pages that are open, each at its own speed
loop.py, pace.py, readiness.py the thread that drives: when a step is due, whether it can be driven
page_drive.py                  what pages ask for is done; what becomes of it is recorded and sent
simulation.py, wheel.py, step_log.py   the driving session, who has the wheel, what is kept of each step
guarded_agent.py, agent_process.py     agents that may fail, hang or end their process
teaching.py                    which frames a learner is given, when the drive waits for the person
recorder.py, recording_buffer.py, store.py, write_ahead_log.py   what is recorded, saved, and survives a kill
coverage.py                    what the recordings cover, what to drive next
"""
