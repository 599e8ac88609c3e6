# Reads the parameters as dotenv and writes "length:bytes" of each value into the file that `out` names.
from <- Sys.getenv("ATTUNE_PARAMETER_FILE")
con <- if (nzchar(from)) file(from, "rb") else file("stdin", "rb")
bytes <- raw(0)
while (length(more <- readBin(con, "raw", 65536)) > 0) bytes <- c(bytes, more)
quote <- "\001\002quote\002\001"
text <- gsub("'\\''", quote, rawToChar(bytes), fixed = TRUE, useBytes = TRUE)
parts <- strsplit(text, "'", fixed = TRUE, useBytes = TRUE)[[1]]
odd <- seq(1, length(parts) - 1, 2)
names <- gsub("[\n=]", "", parts[odd], useBytes = TRUE)
given <- gsub(quote, "'", parts[odd + 1], fixed = TRUE, useBytes = TRUE)
out <- file(given[names == "out"], "wb")
for (value in given[grepl("^v", names)]) {
  writeBin(charToRaw(paste0(nchar(value, "bytes"), ":")), out)
  writeBin(charToRaw(value), out)
}
close(out)
