// An action: one JSON object on standard input, one on standard output, exit code 0; messages for people go to standard error.
"use strict";

const fs = require("fs");

// Asks the API as this run: with its token, which ends with it and may do what the action's permission sets say.
async function api(path) {
  const answer = await fetch(process.env.ATTUNE_API_URL + "/api/v1" + path, {
    headers: { Authorization: "Bearer " + process.env.ATTUNE_API_TOKEN },
  });
  if (!answer.ok) throw new Error(`the API answered ${answer.status}`);
  return answer.json();
}

async function run({ id, lines, ask }) {
  const execution = Number(process.env.ATTUNE_EXEC_ID);
  lines.forEach((line, i) => {
    if (!("price" in line)) throw new Error(`line ${i + 1} has no price`);
  });
  console.error(`order ${id} has ${lines.length} lines`);
  return {
    id,
    total: lines.reduce((sum, line) => sum + line.price * (line.count ?? 1), 0),
    execution,
    action: ask ? (await api(`/executions/${execution}`)).data.action_ref : null,
  };
}

run(JSON.parse(fs.readFileSync(0, "utf8")))
  .then((result) => console.log(JSON.stringify(result)))
  .catch((error) => {
    console.log(JSON.stringify({ success: false, error: error.message }));
    console.error(`${error.name}: ${error.message}`);
    process.exitCode = 1;
  });
