# The seed of Python: an interpreter that has begun already. The worker starts it as
#     python3 ARGS -S -c THIS PROGRAM
# with a library preloaded (src/inside/seed.h), which makes a child for each run: it has its streams, session, limits and walls already when
# _attune_serve goes on in it, and makes it what `python3 ARGS script.py` would be. A child that finds anything odd executes the interpreter.
#
# It stands outside of every wall, so nothing of a pack or of an environment runs in it: it is started without `site` and PYTHONPATH, as the
# interpreter that was installed. What those would do waits for the child.
import _frozen_importlib_external, _weakref, atexit, gc, sys


def _attune_site(program):
    """What `site` does, as far as it is the system's. Returns what is left for a run."""
    import sys
    if sys.path[:1] == [""]:
        del sys.path[0]
    installed = sys.executable
    sys.executable = sys._base_executable = program
    import os, site
    folder = os.path.dirname(program)
    marks = [f for f in (folder + "/pyvenv.cfg", os.path.dirname(folder) + "/pyvenv.cfg") if os.path.exists(f)]
    waiting = []
    customize = site.execsitecustomize, site.execusercustomize
    if marks:
        with open(marks[0], encoding="utf-8") as f:
            pairs = [line.partition("=") for line in f]
        homes = [value.strip() for key, _, value in pairs if key.strip().lower() == "home"]
        base = os.path.join(homes[0], os.path.basename(program)) if len(homes) == 1 else ""
        if not base or sys.version_info >= (3, 14) or os.path.realpath(base) != installed:
            sys.exit("an environment of another kind")
        sys._base_executable = base
        # addpackage finds it before the builtin
        site.exec = lambda line: waiting.append((sys._getframe(1).f_locals["sitedir"], line))
        site.execsitecustomize = site.execusercustomize = lambda: None
    site.main()
    if not marks:
        return lambda: None
    del site.exec
    site.execsitecustomize, site.execusercustomize = customize

    def rest():
        for sitedir, line in waiting:
            exec(line)
        site.execsitecustomize()
        if site.ENABLE_USER_SITE:
            site.execusercustomize()

    return rest


def _attune_serve(ours):
    import sys
    rest = _attune_site(sys.argv[1])
    before = set(sys.modules)
    path = list(sys.path)
    sys.path[:] = [p for p in path if p.startswith(sys.base_prefix + "/lib") and "-packages" not in p]
    import ctypes, gc, os, posix
    import json, datetime, re  # what most actions begin with
    early = {name.partition(".")[0] for name in set(sys.modules) - before}
    sys.path[:] = path
    # the interpreter's own are immutable: -S was for the seed alone
    places = {name: i for i, name in enumerate(type(sys.flags).__match_args__)}
    ctypes.c_void_p.from_address(id(sys.flags) + tuple.__basicsize__ + 8 * places["no_site"]).value = id(0)
    if sys.flags.no_site != 0:
        sys.exit("flags of another kind")
    taken = {"sitecustomize", "usercustomize"} | {name.partition(".")[0] for name in sys.modules}
    api = ctypes.PyDLL(None)
    serve = api.attune_serve
    serve.restype = ctypes.c_size_t
    text, count = ctypes.c_void_p(), ctypes.c_int()

    def names_in(folder):
        try:
            return {name.partition(".")[0] for name in os.listdir(folder)}
        except OSError:
            return set()

    def extend_path():  # by PYTHONPATH; what it would change of the start itself is for a start of its own
        text = os.environ.get("PYTHONPATH")
        if not text or sys.flags.ignore_environment:
            return
        folders = text.split(":")
        for folder in folders:
            if os.path.abspath(folder) != folder or folder in sys.path or folders.count(folder) > 1:
                raise ValueError(folder)
            if not os.path.isdir(folder) and os.path.exists(folder) or names_in(folder) & taken:
                raise ValueError(folder)
        sys.path[:0] = folders

    def shadowed(folder):  # a file of the action's that is called as a module which we have loaded already
        for name in names_in(folder) & early:
            for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
                del sys.modules[loaded]

    def at_home():
        site = sys.modules.get("site")
        base, home = getattr(site, "USER_BASE", None), os.environ.get("HOME")
        if base and home and base.endswith("/.local"):
            site.USER_BASE = home + "/.local"
            if site.USER_SITE and site.USER_SITE.startswith(base):
                site.USER_SITE = site.USER_BASE + site.USER_SITE[len(base):]

    at, key, value = ctypes.c_ssize_t(), ctypes.c_void_p(), ctypes.c_void_p()
    where = ctypes.py_object(sys.modules), ctypes.byref(at), ctypes.byref(key), ctypes.byref(value)

    def names_but(known):  # takes no reference to a module that was there before
        at.value, names = 0, []
        while api.PyDict_Next(*where):
            if value.value not in known:
                names.append(ctypes.cast(key, ctypes.py_object).value)
        return names

    def surround(env):  # the C library has it already
        pairs = [pair.partition(b"=") for pair in env]
        for variables in posix.environ, os.environ._data:
            variables.clear()
            for key, _, value in pairs:
                variables.setdefault(key, value)

    def prepare(argv, env):
        surround(env)
        script = os.fsdecode(argv[-1])
        sys.argv[:] = [script]
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[:] = [os.fsdecode(a) for a in argv]
        with open(script, "rb") as f:
            code = compile(f.read(), script, "exec", 0, True)
        at_home()
        extend_path()
        return code, script

    def enter_folder(script):
        folder = os.path.dirname(os.path.realpath(script))
        if not getattr(sys.flags, "safe_path", False):
            sys.path.insert(0, folder)
            shadowed(folder)

    def words(address, size, n):
        parts = ctypes.string_at(address, size).split(b"\0")[:-1]
        return parts[:n], parts[n:]

    def child(size):
        argv, env = words(text, size, count.value)
        try:
            code, script = prepare(argv, env)
            rest()
        except BaseException:
            os.execve(argv[0], argv, dict(os.environb))
        enter_folder(script)
        gc.enable()  # what was there before stays frozen: to look at it would be to copy it
        return code, script

    # What runs for the first time writes to many places, and each page that a child writes to is a copy, which costs more than what is
    # done there: so the seed has played some runs that do nothing. Afterwards it is what it was.
    def rehearse():
        main, site = sys.modules["__main__"], sys.modules["site"]
        was = list(sys.argv), list(getattr(sys, "orig_argv", ())), list(sys.path), site.USER_BASE, site.USER_SITE
        env = [key + b"=" + value for key, value in posix.environ.items()]
        said = b"".join(word + b"\0" for word in [b"python3", os.devnull.encode(), *env, b"PYTHONPATH=/nowhere/lib"])
        room = ctypes.create_string_buffer(said)
        order, known = dict(sys.modules), set(map(id, modules))
        for _ in range(20):
            code, script = prepare(*words(ctypes.addressof(room), len(said), 2))
            enter_folder(script)
            theirs = [*_attune_space(code, script)]
            exec(*theirs)
            _attune_end(0, [known, lambda status: None, names_but], theirs)
            sys.modules["__main__"] = main
            sys.argv[:], orig, sys.path[:], site.USER_BASE, site.USER_SITE = was
            if orig:
                sys.orig_argv[:] = orig
        surround(env)
        sys.modules.clear()
        sys.modules.update(order)

    compile("0", "", "exec")  # the first one makes the types of the syntax tree: a millisecond, and 200 pages
    modules = list(sys.modules.values())  # they live on, so that no other has the place of one
    ours.extend([set(map(id, modules)), api.exit, names_but])
    gc.collect()
    gc.disable()
    gc.freeze()
    if "threading" not in sys.modules:
        rehearse()
    gc.freeze()
    ours.append(locals())  # to let go of these would be to copy all that they refer to
    return child(serve(ctypes.byref(text), ctypes.byref(count)))


def _attune_space(code, script, sys=sys, loader=_frozen_importlib_external.SourceFileLoader):
    main = sys.modules["__main__"] = type(sys)("__main__")
    space = main.__dict__
    space["__loader__"] = loader("__main__", script)
    if sys.version_info < (3, 14):
        space["__annotations__"] = {}
    space["__builtins__"] = __builtins__
    space["__file__"] = script
    space["__cached__"] = None
    return code, space


def _attune_failed(error):
    import sys
    error.__traceback__ = error.__traceback__.tb_next
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    sys.excepthook(type(error), error, error.__traceback__)
    sys.excepthook = lambda *_: None  # it is said; what is left is the exit code


# The interpreter's own end looks at everything that was there before the fork, and so copies it: that costs more than most actions. This
# does what a script can see of it, in the same order; where anything is odd it returns, and the interpreter ends as it always does.
def _attune_end(status, ours, theirs, sys=sys, _weakref=_weakref, atexit=atexit, gc=gc):
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
    known, leave, names_but = ours[:3]
    names = [name for name in names_but(known) if isinstance(sys.modules[name], type(sys))]
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
    leave(status)


def _attune_try_end(*how):
    try:
        _attune_end(*how)
    except BaseException:
        pass  # it happens to the interpreter's own end as well, which says so


_attune_ours = []
_attune_theirs = [*_attune_space(*_attune_serve(_attune_ours))]
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
