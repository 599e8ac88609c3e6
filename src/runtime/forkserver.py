# The fork server of a Python environment: an interpreter that has started already. The worker starts it as
#     python3 ARGS -c THIS
# with a socket as standard input. For each message (a byte, with five descriptors: standard input, output and error, a file that says what
# is to be run, and a socket) it makes a child, which is the worker's own. The child says that it is there, waits until it is told to
# go on, and is from then on what `python3 ARGS script.py` would be. What is to be run, with secrets in it, is read by the child alone:
# nothing of it is ever in the server. A child that finds anything odd executes the interpreter instead.
def _attune_serve(ours):
    import sys
    before = set(sys.modules)
    path = list(sys.path)
    sys.path[:] = [p for p in path if p.startswith(sys.base_prefix + "/lib") and "-packages" not in p]
    import ctypes, gc, io, os, resource
    import json, datetime, re  # what most actions begin with
    import _socket
    early = {name.partition(".")[0] for name in set(sys.modules) - before}
    sys.path[:] = path
    libc = ctypes.CDLL(None, use_errno=True)
    api = ctypes.PyDLL(None)
    libc.syscall.restype = ctypes.c_long
    marker = None  # where the variable of a run stands in our first environment, for whoever looks from outside
    first = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, "environ")
    at = 0
    while first[at]:
        if ctypes.string_at(first[at], 11) == b"ATTUNE_RUN=":
            marker = first[at], len(ctypes.string_at(first[at]))
        at += 1
    server = _socket.socket(fileno=os.dup(0))
    parent = os.getppid()
    clone = {"x86_64": 56, "aarch64": 220, "riscv64": 220}.get(os.uname().machine)
    if clone is None or marker is None or len(os.listdir("/proc/self/task")) != 1:
        os._exit(3)  # with a thread running, a fork would be half a process
    python_path = [p for p in os.environ.get("PYTHONPATH", "").split(":") if p]

    def fork():  # with CLONE_PARENT, and what the interpreter does around a fork of its own
        api.PyOS_BeforeFork()
        pid = libc.syscall(ctypes.c_long(clone), ctypes.c_long(0x8000 | 17), *([ctypes.c_long(0)] * 4))
        if pid == 0:
            api.PyOS_AfterFork_Child()
        else:
            api.PyOS_AfterFork_Parent()
        return pid

    def announce(fd):
        os.setsid()
        libc.prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(127)
        own = _socket.socket(fileno=fd)
        own.send(b"%d" % os.getpid())
        if own.recv(1) != b"g":
            os._exit(127)
        own.close()

    def surround(parts, fds):
        cwd, run, limits, walls, count = parts[:5]
        argv, env = parts[5:5 + int(count)], parts[5 + int(count):]
        ruleset = fds[5] if walls[:1] == b"1" else -1
        if walls[1:] == b"1":  # its group, first: what it does from here on is counted there
            group = os.open("cgroup.procs", os.O_WRONLY, dir_fd=fds[-1])
            os.write(group, b"0")
            os.close(group)
        for i in range(3):
            os.dup2(fds[i], i, True)
        ctypes.memmove(marker[0], run + b"\0", min(len(run) + 1, marker[1]))
        os.chdir(cwd)
        for limit in limits.split():
            what, most = map(int, limit.split(b"="))
            resource.setrlimit(what, (most, most))
        if ruleset >= 0 and libc.syscall(ctypes.c_long(446), ctypes.c_long(ruleset), ctypes.c_long(0)) != 0:
            raise OSError(ctypes.get_errno(), "its sandbox")
        os.closerange(3, 256)
        os.environ.clear()
        for pair in env:
            key, _, value = pair.partition(b"=")
            os.environb[key] = value
        return argv

    def shadowed(folder):  # a file of the action's that is called as a module which we have loaded already
        for where in {folder, *python_path}:
            try:
                names = {name.partition(".")[0] for name in os.listdir(where)} & early
            except OSError:
                continue
            for name in names:
                for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
                    del sys.modules[loaded]

    def standard_input():  # as the interpreter makes it: ours was made for a socket
        old = sys.stdin
        new = io.TextIOWrapper(io.open(0, "rb", -1, closefd=False), old.encoding, old.errors, None, old.line_buffering, old.write_through)
        new.buffer.raw.name = "<stdin>"
        new.mode = "r"
        sys.stdin = sys.__stdin__ = new

    def at_home():
        site = sys.modules.get("site")
        base, home = getattr(site, "USER_BASE", None), os.environ.get("HOME")
        if base and home and base.endswith("/.local"):
            site.USER_BASE = home + "/.local"
            if site.USER_SITE and site.USER_SITE.startswith(base):
                site.USER_SITE = site.USER_BASE + site.USER_SITE[len(base):]

    def child(fds):
        server.close()
        announce(fds[4])
        with open(fds[3], "rb", closefd=False) as f:
            f.seek(0)
            parts = f.read().split(b"\0")
        try:
            argv = surround(parts, fds)
        except BaseException as error:  # not to run at all is better than to run without them
            os.write(2, b"the surroundings of this run cannot be made: %s\n" % str(error).encode())
            os._exit(126)
        script = os.fsdecode(argv[-1])
        try:
            with open(script, "rb") as f:
                code = compile(f.read(), script, "exec", 0, True)
        except BaseException:
            os.execve(argv[0], argv, dict(os.environb))
        folder = os.path.dirname(os.path.realpath(script))
        if sys.path and sys.path[0] == "":
            sys.path[0] = folder
        standard_input()
        shadowed(folder)
        at_home()
        sys.argv[:] = [script]
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[:] = [os.fsdecode(a) for a in argv]
        gc.enable()  # what was there before stays frozen: to look at it would be to copy it
        return code, script

    ours.extend(sys.modules.values())
    gc.collect()
    gc.disable()
    gc.freeze()
    size = _socket.CMSG_SPACE(7 * 4)
    server.send(b"r")
    while True:
        data, extra, _, _ = server.recvmsg(1, size)
        if not data:
            os._exit(0)
        if not extra:
            continue
        fds = [int.from_bytes(extra[0][2][i:i + 4], sys.byteorder) for i in range(0, len(extra[0][2]), 4)]
        if fork() == 0:
            return child(fds)
        for fd in fds:
            os.close(fd)


def _attune_main(ours):
    import sys
    import _frozen_importlib_external as external
    code, script = _attune_serve(ours)
    main = type(sys)("__main__")
    space = main.__dict__
    space["__loader__"] = external.SourceFileLoader("__main__", script)
    if sys.version_info < (3, 14):
        space["__annotations__"] = {}
    space["__builtins__"] = __builtins__
    space["__file__"] = script
    space["__cached__"] = None
    sys.modules["__main__"] = main
    return code, space


def _attune_failed(error):
    import sys
    error.__traceback__ = error.__traceback__.tb_next
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    sys.excepthook(type(error), error, error.__traceback__)
    sys.excepthook = lambda *_: None  # it is said; what is left is the exit code


# The interpreter's own end looks at everything that was there before the fork, and so copies it: that costs more than most actions. This
# does what a script can see of it, in the same order; where anything is odd it returns, and the interpreter ends as it always does.
def _attune_end(status, ours, theirs):
    import sys, _weakref, atexit, ctypes, gc
    if type(status) is not int or not -2**31 <= status < 2**31 or sys.getprofile() or sys.gettrace():
        return
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
        if len(threading.enumerate()) != 1:
            return
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    theirs.clear()
    known = set(map(id, ours))
    names = [name for name, module in sys.modules.items() if id(module) not in known and isinstance(module, type(sys))]
    modules = [_weakref.ref(sys.modules.pop(name)) for name in names]
    del threading
    gc.collect()
    for module in reversed([ref() for ref in modules]):  # those that somebody still has
        if module is not None:
            values = vars(module)
            for name in sorted(values, key=lambda name: not (name.startswith("_") and not name.startswith("__"))):
                if name != "__builtins__":
                    values[name] = None
    module = values = None
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.PyDLL(None).exit(status)


def _attune_try_end(*how):
    try:
        _attune_end(*how)
    except BaseException:
        pass  # it happens to the interpreter's own end as well, which says so


_attune_ours = []
_attune_theirs = [*_attune_main(_attune_ours)]
try:
    exec(*_attune_theirs)
    _attune_try_end(0, _attune_ours, _attune_theirs)
except SystemExit as _attune_error:
    if type(_attune_error) is SystemExit:
        _attune_error.__traceback__ = _attune_error.__context__ = None  # what it came through is gone before the end
        _attune_try_end(0 if _attune_error.code is None else _attune_error.code, _attune_ours, _attune_theirs)
    raise
except BaseException as _attune_error:
    _attune_failed(_attune_error)
    raise
