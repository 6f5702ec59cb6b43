"""While a cell waits, the messages of sliders and buttons still act.

A cell runs in the kernel's main thread, and what a front end sends queues up behind it:
in VS Code and Colab always, in JupyterLab since ipykernel 7.4. A cell that only waits
can look into this queue itself. Read next: `training_lab.py`, which waits.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Widgets, and what a reloaded page asks before it draws them. Cells stay in the queue.
SERVED = (
    "comm_open",
    "comm_msg",
    "comm_close",
    "comm_info_request",
    "kernel_info_request",
)


class Interrupted(KeyboardInterrupt):
    """The wait for a lab was interrupted; a notebook shows one line of it."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@contextmanager
def served_messages() -> Iterator[Callable[[], None]]:
    """Yield a function that handles the widgets' messages that have come in.

    Everything else is handed back in its order when the block ends. Outside a
    notebook's main thread the function does nothing.
    """
    kernel, stream = _kernel_and_stream()
    if stream is None:
        yield lambda: None
        return
    usual, copy, held = stream._recv_callback, stream._recv_copy, []

    def take(frames: list) -> None:
        if not _serve(kernel, frames):
            held.append(frames)

    stream.on_recv(take, copy=False)
    try:
        yield stream.flush
    finally:
        stream.on_recv(usual, copy=copy)
        for frames in held:
            stream.io_loop.add_callback(usual, frames)


def _kernel_and_stream() -> tuple:
    """The kernel, and the stream of its main thread; None where there is none.

    The names differ among ipykernel's versions; under one that has neither, a cell
    waits as any other cell does.
    """
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None or threading.current_thread() is not threading.main_thread():
        return None, None
    try:
        if getattr(kernel, "_supports_kernel_subshells", False):
            manager = kernel.shell_channel_thread.manager
            stream = manager.get_shell_channel_to_subshell_pair(None).to_stream
        else:
            stream = kernel.shell_stream
    except AttributeError:
        return kernel, None
    return kernel, stream if hasattr(stream, "_recv_callback") else None


def _serve(kernel, frames: list) -> bool:
    """Handle a message as the kernel would; False if it is not for us."""
    idents, parts = kernel.session.feed_identities(frames, copy=False)
    if len(parts) < 2:  # the kernel's notes to itself
        return False
    kind = kernel.session.unpack(parts[1].bytes)["msg_type"]
    if kind not in SERVED:
        return False
    try:
        message = kernel.session.deserialize(parts, content=True, copy=False)
    except Exception:
        return False  # the kernel complains about it better than we do
    cell = kernel.get_parent("shell")
    kernel._publish_status("busy", "shell", parent=message)
    try:
        _finish(kernel.shell_handlers[kind](_replies(kernel), idents, message))
    except Exception:
        kernel.log.exception("a widget's message")
    finally:
        # A slider sends its next value only when it hears that the last one is done.
        kernel._publish_status("idle", "shell", parent=message)
        kernel._publish_status("busy", "shell", parent=cell)
    return True


def _replies(kernel):
    if not getattr(kernel, "_supports_kernel_subshells", False):
        return kernel.shell_stream
    return kernel.shell_channel_thread.manager.get_subshell_to_shell_channel_socket(
        None
    )


def _finish(result) -> None:
    """Run a handler that is a coroutine; none of those served ever suspends."""
    if hasattr(result, "send"):
        try:
            result.send(None)
        except StopIteration:
            return
        result.close()
