// A sensor that reports through the API, with nothing but Node's own modules.
//
// It is started while an enabled rule uses its trigger, and started anew when such a rule changes: so it may read its rules once.
'use strict';
const http = require('http');
const https = require('https');

const api = new URL(process.env.ATTUNE_API_URL + '/api/v1/events');
const rules = JSON.parse(process.env.ATTUNE_SENSOR_TRIGGERS); // [{id, ref, trigger_ref, config}]
const every = Number(process.env.ATTUNE_SENSOR_CONFIG_EVERY || 1) * 1000;

process.on('SIGTERM', () => process.exit(0));

// One event, for this rule alone. Tried again while the API is away.
function report(rule, payload) {
  const body = JSON.stringify({
    trigger_ref: rule.trigger_ref, trigger_instance_id: `rule_${rule.id}`, payload,
  });
  const headers = {
    Authorization: `Bearer ${process.env.ATTUNE_API_TOKEN}`,
    'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body),
  };
  const request = (api.protocol === 'https:' ? https : http).request(api, { method: 'POST', headers }, (answer) => {
    answer.resume();
    if (answer.statusCode >= 500 || answer.statusCode === 429) setTimeout(report, 1000, rule, payload);
    else if (answer.statusCode >= 400) console.error(`refused: ${answer.statusCode}`);
  });
  request.on('error', (away) => {
    console.error(`the API is away: ${away.message}`);
    setTimeout(report, 1000, rule, payload);
  });
  request.end(body);
}

const count = {};
console.log(`counting for ${rules.length} rules`);
setInterval(() => {
  for (const rule of rules) {
    count[rule.id] = (count[rule.id] || 0) + (rule.config.step || 1);
    report(rule, { count: count[rule.id] });
  }
}, every);
