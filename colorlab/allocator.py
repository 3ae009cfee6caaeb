"""Keeping freed memory: for training on a processor under Linux, where large tensors otherwise come from the system each time."""

import ctypes
import platform

MMAP_MAX, TRIM_THRESHOLD = -4, -1  # of mallopt(3)
USUAL = {MMAP_MAX: 65536, TRIM_THRESHOLD: 128 * 1024}  # glibc's


def keep_freed_memory(keep: bool = True) -> bool:
    """Tell glibc to keep what tensors free for the next ones, instead of giving it back to the system at every free.

    A large tensor then has its pages already, which the system need not find and fill with zeros first: notebook 08 measures
    what that is worth. The process does not shrink any more, so ask for it in a process that computes and ends. Importing
    colorlab changes nothing; the command line's training verbs ask for it.

    Args:
        keep: False goes back to the thresholds that glibc starts with. (Left alone, glibc raises them by itself as buffers below
            32 MB are freed; set once, they stay.)
    Returns:
        whether it took effect: False where the C library is not glibc (macOS, Windows, Alpine).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    wanted = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1} if keep else USUAL
    return all(mallopt(option, value) for option, value in wanted.items())
