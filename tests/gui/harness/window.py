"""The window: its areas, and the mouse and the keyboard over them, as a user has them."""

from __future__ import annotations

from collections.abc import Generator

import bpy

from .stage import ScenarioError, Steps

TAB = "Interpolate"

_SETTLE_S = 0.15  # in which Blender handles an event and draws
_HOVER_S = 0.03  # in which it notices what is under the mouse
_ROW_PX = 8  # less than the height of a button
_COLUMNS = (0.5, 0.75, 0.9, 0.97, 0.25)

Spot = tuple[int, int]


def window() -> bpy.types.Window:
    """Return the main window; the one before a file was loaded is gone."""
    return bpy.context.window_manager.windows[0]


def sequencer() -> bpy.types.Area:
    """Return the area of the timeline."""
    return next(
        area
        for area in window().screen.areas
        if area.type == "SEQUENCE_EDITOR" and area.spaces.active.view_type != "PREVIEW"
    )


def other_area() -> bpy.types.Area:
    """Return the largest area that is no Sequencer."""
    others = [area for area in window().screen.areas if area.type != "SEQUENCE_EDITOR"]
    return max(others, key=lambda area: area.width * area.height)


def region(kind: str = "WINDOW") -> bpy.types.Region:
    """Return the timeline's region of a kind."""
    return next(item for item in sequencer().regions if item.type == kind)


def in_sequencer(kind: str = "WINDOW"):
    """Return a context for operators: the timeline's region of a kind."""
    return bpy.context.temp_override(window=window(), area=sequencer(), region=region(kind))


def middle(of: bpy.types.Area | bpy.types.Region) -> Spot:
    """Return the spot in the middle of an area or a region."""
    return of.x + of.width // 2, of.y + of.height // 2


def move(spot: Spot) -> Steps:
    """Move the mouse."""
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=spot[0], y=spot[1])
    yield _SETTLE_S


def press(key: str, spot: Spot, *, ctrl: bool = False, shift: bool = False) -> Steps:
    """Press and release a key, or a button of the mouse, with the mouse at `spot`."""
    yield from move(spot)
    yield from send(key, "PRESS", spot, ctrl=ctrl, shift=shift)
    yield from send(key, "RELEASE", spot, ctrl=ctrl, shift=shift)


def send(key: str, value: str, spot: Spot, *, ctrl: bool = False, shift: bool = False) -> Steps:
    """Send a single event."""
    window().event_simulate(type=key, value=value, x=spot[0], y=spot[1], ctrl=ctrl, shift=shift)
    yield _SETTLE_S


def click(spot: Spot) -> Steps:
    """Click with the left button of the mouse."""
    yield from press("LEFTMOUSE", spot)


def step_aside() -> Steps:
    """Move the mouse to where it is on nothing."""
    yield from move(_aside())


def close_popup() -> Steps:
    """Close what an error's report has opened under the mouse: it would take the next click."""
    yield from press("ESC", _aside())


def open_tab(category: str = TAB) -> Steps:
    """Show the timeline's side bar with one tab open."""
    sequencer().spaces.active.show_region_ui = True
    yield _SETTLE_S
    region("UI").active_panel_category = category
    sequencer().tag_redraw()
    yield 2 * _SETTLE_S
    if region("UI").active_panel_category != category:
        raise ScenarioError(f"the side bar has no tab {category!r}")


def find_button(command: str, of: bpy.types.Area | None = None) -> Generator[float, None, Spot]:
    """Move the mouse down over the side bar until it is on the button of an operator.

    Args:
        command: how the operator is called from Python, or its beginning:
            "bpy.ops.sequencer.vfi_cancel".
        of: another area, whose main region is looked at in place of the side bar.
    """
    yield from step_aside()
    area, bar = (sequencer(), region("UI")) if of is None else (of, main_region(of))
    for column in _COLUMNS:
        for y in range(bar.y + bar.height - 4, bar.y, -_ROW_PX):
            spot = (bar.x + int(bar.width * column), y)
            window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=spot[0], y=spot[1])
            yield _HOVER_S
            if _command_under_mouse(area, bar).startswith(command):
                yield from move(spot)  # again, and for longer: drawing may lag behind
                if _command_under_mouse(area, bar).startswith(command):
                    return spot
    raise ScenarioError(f"there is no button for {command}")


def click_button(command: str, of: bpy.types.Area | None = None) -> Steps:
    """Click the button of an operator in the side bar, or in another area."""
    spot = yield from find_button(command, of)
    yield from click(spot)


def main_region(of: bpy.types.Area) -> bpy.types.Region:
    """Return the largest region of an area."""
    return next(item for item in of.regions if item.type == "WINDOW")


def _aside() -> Spot:
    area = other_area()
    return area.x + 40, area.y + area.height - 60


def _command_under_mouse(area: bpy.types.Area, shown: bpy.types.Region) -> str:
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=window(), area=area, region=shown):
        # what Blender offers in a button's context menu as Copy Python Command
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        manager.clipboard = ""
        bpy.ops.ui.copy_python_command_button()
    return manager.clipboard
