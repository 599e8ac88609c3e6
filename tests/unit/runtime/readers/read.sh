# Reads the parameters as dotenv and writes "length:bytes" of each value into the file that `out` names.
if [ -n "$ATTUNE_PARAMETER_FILE" ]; then . "$ATTUNE_PARAMETER_FILE"; else . /dev/stdin; fi
export LC_ALL=C
for ((i = 0; i < n; i++)); do
	printf -v k v%03d $i
	v=${!k}
	printf '%s:%s' ${#v} "$v"
done >"$out"
