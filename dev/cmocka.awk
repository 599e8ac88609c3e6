# Reads meson's testlog.txt: prints what the failing programs said, then one line "count PASSED FAILED SKIPPED".
# A program that ended badly failed once at least, whatever it printed; one that counts nothing is one test.
function program_ends(    bad, fail, i) {
	if (name == "") return
	bad = result != "exit status 0" && result != "exit status 77" # 77: meson's word for "skipped as a whole"
	if (started == 0 && result == "exit status 77") skip++
	else if (started == 0) bad ? 0 : good++
	fail = started > good + skip ? started - good - skip : bad
	passed += good; failed += fail; skipped += skip
	if (fail > 0) {
		printf "\n--- %s: %s\n", name, bad ? result : "ended without finishing its tests"
		for (i = lines > 80 ? lines - 79 : 1; i <= lines; i++) print said[i]
		if (running != "") print "it ended, or was ended, inside the test: " running
	}
	name = ""
}
/^=+ +[0-9]+\/[0-9]+ +=+$/ { program_ends(); inside = 1; started = good = skip = lines = 0; part = result = running = ""; next }
/^=+$/ && length($0) == 78 { program_ends(); inside = 0 }
!inside { next }
/^-+ (stdout|stderr) -+$/ { part = $2; next }
part == "" { if (/^test: /) name = $2; if (/^result: /) { sub(/^result: +/, ""); result = $0 } next }
part == "stdout" && /^\[ RUN      \] / { started++; running = $4; next }
part == "stdout" && /^\[       OK \] / { good++; running = ""; next }
part == "stdout" && /^\[  SKIPPED \] / { skip++; running = "" }
part == "stdout" && /^\[  FAILED  \] / { running = "" }
{ said[++lines] = $0 }
END { program_ends(); print "count", passed + 0, failed + 0, skipped + 0 }
