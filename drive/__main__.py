from drive.cli import main

main()
