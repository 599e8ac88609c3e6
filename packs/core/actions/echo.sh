#!/bin/bash
# Prints the parameter `message`. Parameters come on standard input as key='value', quoted as a shell does: a quote inside is '\''.
# Only words of bash itself are used, so that a run costs one process and nothing more.
IFS= read -r -d '' rest
value=${rest#message=\'}
value=${value%%\'*}
if [[ $rest == "message='$value'"$'\n' ]]; then # the usual case, and no need to read on in this file
	printf '%s\n' "$value"
	exit
fi
LC_ALL=C message=
rest+=$'\n'
while [[ $rest == *=* ]]; do
	key=${rest%%=*} rest=${rest#*=} value=
	if [[ $rest == \'* ]]; then
		while :; do # pieces in quotes, joined by \'
			rest=${rest#\'}
			value+=${rest%%\'*} rest=${rest#*\'}
			[[ $rest == "\\''"* ]] || break
			value+=\' rest=${rest:2}
		done
		rest=${rest#*$'\n'}
	else # to the end of the line
		value=${rest%%$'\n'*} rest=${rest#*$'\n'}
	fi
	if [[ $key == message ]]; then
		message=$value
		break
	fi
done
printf '%s\n' "$message"
