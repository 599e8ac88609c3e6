"use strict";
// Loaded by Node before the script (--require), also in its worker threads, where there is nothing to wait for.
(() => {
  const { env, reallyExit } = process;
  if (env.ATTUNE_AHEAD === undefined) return;
  const fs = require("fs"), Module = require("module"), { prototype } = require("events");
  const go = env.ATTUNE_AHEAD + "/.go";

  function become(list) {
    for (const name of Object.keys(env)) delete env[name];
    for (const [name, value] of list) env[name] = value;
    Module._initPaths(); // HOME is one of them
  }

  // Node ends its threads one after the other and then takes itself apart, which lasts longer than most scripts. A good run with nothing left
  // to do is over when Node asks for the function that tells of the end; what might have something left ends as it always does.
  function cutShort() {
    const loads = { exports: {} };
    const busy = ["trace_events", "inspector", "sqlite", "worker_threads"].map((name) => "NativeModule " + name);
    let leave;
    try {
      process.dlopen(loads, __dirname + "/leave.node");
      leave = loads.exports;
    } catch {
      return; // another C library, a folder from which nothing may be loaded: it ends a little later
    }
    const isOver = () => !process.exitCode && process.listenerCount("exit") === 0 && process.reallyExit === reallyExit &&
      !process.moduleLoadList.some((name) => busy.includes(name));
    const last = function emit(type, ...args) {
      if (type === "exit" && args[0] === 0) leave(0); // other numbers are also those of an error that is not told yet
      return Reflect.apply(prototype.emit, this, [type, ...args]);
    };
    Object.defineProperty(Object.getPrototypeOf(process), "emit", {
      configurable: true,
      get: () => (process._exiting && isOver() ? last : prototype.emit),
      set(value) { Object.defineProperty(this, "emit", { value, configurable: true, enumerable: true, writable: true }); },
    });
  }

  const isPlain = env.NODE_OPTIONS === undefined && env.NODE_V8_COVERAGE === undefined;
  let job;
  if (isPlain) cutShort();
  become(Object.entries(env)); // what has run once runs faster
  try {
    job = JSON.parse(fs.readFileSync(go, "utf8"));
  } catch {
    reallyExit(126); // whoever was to say what to do has gone
  }
  become(job);
})();
if (process.execArgv[1] === __filename) process.execArgv.splice(0, 2);
if (Array.isArray(process._preload_modules)) process._preload_modules.length = 0;
delete require.cache[__filename];
