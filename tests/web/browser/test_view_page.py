"""Looking through a dataset: scrubbing, cutting, excluding and restoring, by keys and by pointer."""

from pathlib import Path

from drive.dataset import read_edits, read_info


def test_a_range_is_cut_and_restored_by_keys(viewed: tuple[str, Path], visit) -> None:
    address, root = viewed
    opened = visit(address)
    page, keys = opened.page, opened.page.keyboard
    length, fps = read_info(root).episodes[0].length, read_info(root).fps
    opened.wait_for("document.getElementById('now').textContent.startsWith('frame 0 ')")
    for _ in range(3):
        keys.press("ArrowRight")
    keys.press("i")
    keys.press("Shift+ArrowRight")
    keys.press("o")
    assert opened.text("now").startswith(f"frame {3 + fps} of {length}")
    keys.press("e")
    opened.wait_for("document.getElementById('excluded').textContent.includes('frames')")
    assert opened.text("excluded") == f"Excluded: frames 3 to {3 + fps}."
    assert read_edits(root).ranges("excluded", 0) == ((3, 4 + fps),)
    assert opened.text("now").endswith("excluded")

    page.click("#restore-all")
    opened.wait_for("document.getElementById('excluded').textContent.startsWith('Nothing')")
    assert read_edits(root).ranges("excluded", 0) == ()
    page.click("#exclude-all")
    opened.wait_for("document.querySelector('.episode.out') !== null")
    assert read_info(root).training_mask(0).sum() == 0
    assert opened.text("totals").endswith(f"{length} frames excluded")


def test_scrubbing_shows_the_frame_and_its_figures(viewed: tuple[str, Path], visit) -> None:
    address, root = viewed
    opened = visit(address)
    page = opened.page
    opened.wait_for("document.getElementById('picture').src.endsWith('/episodes/0/frames/0.jpg')")
    page.keyboard.press("PageDown")
    opened.wait_for("document.getElementById('picture').src.endsWith('/episodes/1/frames/0.jpg')")
    length = read_info(root).episodes[1].length
    canvas = page.locator("#panels canvas").first
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 8, box["y"] + 20)
    assert opened.text("now").startswith(f"frame {length - 1} of {length}")
    opened.wait_for(f"document.getElementById('picture').src.endsWith('/frames/{length - 1}.jpg')")
    assert page.evaluate("document.getElementById('picture').naturalWidth") == read_info(root).camera.width_px
    page.keyboard.press("ArrowLeft")
    assert opened.text("now").startswith(f"frame {length - 2} of {length}")


def test_playing_goes_on_to_the_end(viewed: tuple[str, Path], visit) -> None:
    address, root = viewed
    opened = visit(address)
    page = opened.page
    length, fps = read_info(root).episodes[0].length, read_info(root).fps
    opened.wait_for("document.getElementById('now').textContent.startsWith('frame 0 ')")
    page.fill("#from", "0")
    page.evaluate("document.activeElement.blur()")
    for _ in range(length // fps - 2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press(" ")
    assert opened.text("play-text") == "Pause"
    opened.wait_for(f"document.getElementById('now').textContent.startsWith('frame {length - 1} ')")
    assert opened.text("play-text") == "Play"
