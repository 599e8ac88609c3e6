// Reads the parameters in their format and writes "length:bytes" of each value into the file that `out` names.
const fs = require('fs');

function by_dotenv(text) {
	const parts = text.replaceAll("'\\''", '\0').split("'"), given = {};
	for (let i = 0; i + 1 < parts.length; i += 2)
		given[parts[i].trim().slice(0, -1)] = parts[i + 1].replaceAll('\0', "'");
	return given;
}

// As much of YAML as flat parameters are written in: plain scalars, double quotes, literal blocks.
function by_yaml(text) {
	const lines = text.split('\n'), given = {};
	for (let i = 0; i < lines.length - 1; i++) {
		const [, key, value] = /^"?(\w+)"?: (.*)$/.exec(lines[i]), block = [];
		while (value[0] === '|' && i + 1 < lines.length - 1 && (lines[i + 1] === '' || lines[i + 1].startsWith('  ')))
			block.push(lines[++i].slice(2));
		given[key] = value[0] === '"' ? JSON.parse(value) : value === '|' ? block.join('\n') + '\n' : value === '|-' ? block.join('\n') : value;
	}
	return given;
}

const text = fs.readFileSync(process.env.ATTUNE_PARAMETER_FILE || 0, 'utf8');
const given = { json: JSON.parse, yaml: by_yaml, dotenv: by_dotenv }[process.env.ATTUNE_PARAMETER_FORMAT](text);
if ('echo' in given) {
	process.stdout.write(JSON.stringify(given));
} else {
	fs.writeFileSync(given.out, Buffer.concat(Object.keys(given).filter(k => k[0] === 'v').sort().map(k => {
		const b = Buffer.from(given[k]);
		return Buffer.concat([Buffer.from(b.length + ':'), b]);
	})));
}
