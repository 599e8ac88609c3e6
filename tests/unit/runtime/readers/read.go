// Reads the parameters in their format and writes "length:bytes" of each value into the file that `out` names.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func byJSON(text []byte) map[string]interface{} {
	given := map[string]interface{}{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	must(d.Decode(&given))
	return given
}

func byDotenv(text []byte) map[string]interface{} {
	given := map[string]interface{}{}
	parts := strings.Split(strings.ReplaceAll(string(text), `'\''`, "\x00"), "'")
	for i := 0; i+1 < len(parts); i += 2 {
		given[strings.TrimSuffix(strings.TrimSpace(parts[i]), "=")] = strings.ReplaceAll(parts[i+1], "\x00", "'")
	}
	return given
}

func main() {
	from := os.Getenv("ATTUNE_PARAMETER_FILE")
	if from == "" {
		from = "/dev/stdin"
	}
	f, err := os.Open(from)
	must(err)
	text, err := io.ReadAll(f)
	must(err)
	given := byDotenv(text)
	if os.Getenv("ATTUNE_PARAMETER_FORMAT") == "json" {
		given = byJSON(text)
	}
	if _, asked := given["echo"]; asked {
		must(json.NewEncoder(os.Stdout).Encode(given))
		return
	}
	names := []string{}
	for name := range given {
		if name[0] == 'v' {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	out := bytes.Buffer{}
	for _, name := range names {
		value := given[name].(string)
		fmt.Fprintf(&out, "%d:%s", len(value), value)
	}
	must(os.WriteFile(given["out"].(string), out.Bytes(), 0600))
}
