"use strict";
// Loaded by Node before the script (--require), also in its worker threads, where there is nothing to wait for.
if (process.env.ATTUNE_AHEAD !== undefined) {
  let job;
  try {
    job = JSON.parse(require("fs").readFileSync(process.env.ATTUNE_AHEAD + "/.go", "utf8"));
  } catch {
    process.reallyExit(126); // whoever was to say what to do has gone
  }
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of job) process.env[name] = value;
  require("module")._initPaths(); // HOME is one of them
}
if (process.execArgv[1] === __filename) process.execArgv.splice(0, 2);
if (Array.isArray(process._preload_modules)) process._preload_modules.length = 0;
delete require.cache[__filename];
