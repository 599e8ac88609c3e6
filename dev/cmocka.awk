# Reads meson's testlog.txt: prints what the failing programs said, then a line "failed: PROGRAM TEST: WHAT" for each failed
# test, then one line "count PASSED FAILED SKIPPED". What a failed test left in memory says nothing, so it is left out.
# A program that ended badly failed once at least, whatever it printed; one that counts nothing is one test.
function program_ends(    bad, fail, i) {
	if (name == "") return
	bad = result != "exit status 0" && result != "exit status 77" # 77: meson's word for "skipped as a whole"
	if (started == 0 && result == "exit status 77") skip++
	else if (started == 0) bad ? 0 : good++
	bad_end = bad ? result : "ended without finishing its tests"
	fail = started > good + skip ? started - good - skip : bad
	passed += good; failed += fail; skipped += skip
	if (fail > 0) {
		printf "\n--- %s: %s\n", name, bad_end
		for (i = lines > 80 ? lines - 79 : 1; i <= lines; i++) print said[i]
		for (i = 1; i <= fails; i++) list = list "failed: " name " " failing[i] ": " why[i] "\n"
		if (running != "") list = list "failed: " name " " running ": ended inside it, " bad_end "\n"
		else if (fails == 0) list = list "failed: " name ": " bad_end "\n"
	}
	name = ""
}
/^=+ +[0-9]+\/[0-9]+ +=+$/ { program_ends(); inside = 1; started = good = skip = lines = fails = errors = leaks = 0; split("", why); part = result = running = ""; next }
/^=+$/ && length($0) == 78 { program_ends(); inside = 0 }
!inside { next }
/^-+ (stdout|stderr) -+$/ { part = $2; next }
part == "" { if (/^test: /) name = $2; if (/^result: /) { sub(/^result: +/, ""); result = $0 } next }
part == "stdout" && /^\[ RUN      \] / { started++; running = $4; next }
part == "stdout" && /^\[       OK \] / { good++; running = ""; next }
part == "stdout" && /^\[  SKIPPED \] / { skip++; running = "" }
part == "stdout" && /^\[  FAILED  \] / && running != "" { failing[++fails] = running; running = "" }
part == "stderr" && /^\[  ERROR   \] --- .*: error: Failure/ {
	where = $0
	sub(/: error: .*/, "", where)
	sub(/.* /, "", where)
	why[++errors] = before " (" where ")"
}
{ before = $0 }
/ERROR: LeakSanitizer/ { leaks = fails > 0 }
!leaks { said[++lines] = $0 }
END { program_ends(); printf "%s", list; print "count", passed + 0, failed + 0, skipped + 0 }
