// Reads the parameters in their format and writes "length:bytes" of each value into the file that `out` names.
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;

class Read {
	static TreeMap<String, String> byDotenv(String text) {
		TreeMap<String, String> given = new TreeMap<>();
		String[] parts = text.replace("'\\''", "\0").split("'", -1);
		for (int i = 0; i + 1 < parts.length; i += 2)
			given.put(parts[i].strip().replace("=", ""), parts[i + 1].replace("\0", "'"));
		return given;
	}

	/* One flat object, as Java brings no reader of JSON: strings, and numbers as their text. */
	static class Json {
		final String text;
		int at = 1;

		Json(String text) {
			this.text = text;
		}

		String string() {
			StringBuilder b = new StringBuilder();
			for (at++; text.charAt(at) != '"'; at++) {
				char c = text.charAt(at);
				if (c == '\\') {
					c = text.charAt(++at);
					int escape = "bfnrt".indexOf(c);
					if (escape >= 0)
						c = "\b\f\n\r\t".charAt(escape);
					else if (c == 'u') {
						c = (char)Integer.parseInt(text.substring(at + 1, at + 5), 16);
						at += 4;
					}
				}
				b.append(c);
			}
			at++;
			return b.toString();
		}

		String value() {
			int from = at;
			if (text.charAt(at) == '"')
				return string();
			while (",}".indexOf(text.charAt(at)) < 0)
				at++;
			return text.substring(from, at);
		}

		TreeMap<String, String> object() {
			TreeMap<String, String> given = new TreeMap<>();
			for (; text.charAt(at) != '}'; at += text.charAt(at) == ',' ? 1 : 0) {
				String key = string();
				at++;
				given.put(key, value());
			}
			return given;
		}
	}

	public static void main(String[] args) throws Exception {
		String from = System.getenv("ATTUNE_PARAMETER_FILE");
		byte[] bytes = from == null ? System.in.readAllBytes() : Files.readAllBytes(Path.of(from));
		String text = new String(bytes, StandardCharsets.UTF_8);
		boolean json = System.getenv("ATTUNE_PARAMETER_FORMAT").equals("json");
		TreeMap<String, String> given = json ? new Json(text).object() : byDotenv(text);
		ByteArrayOutputStream out = new ByteArrayOutputStream();
		for (String name : given.keySet()) {
			byte[] value = given.get(name).getBytes(StandardCharsets.UTF_8);
			if (name.startsWith("v")) {
				out.write((value.length + ":").getBytes(StandardCharsets.UTF_8));
				out.write(value);
			}
		}
		Files.write(Path.of(given.get("out")), out.toByteArray());
	}
}
