"""Environments of languages whose installers can work from a folder: what a pack names in its dependency file, its actions find.
Each language is tried with its own installer, where that is on this machine, and everywhere with programs by the same names that
do as little of the same as shows how they are called: where they put what is installed, and where it is looked for."""

import os
import shutil
import subprocess
import zipfile

import pytest

from work import do


def run_in(folder, *command):
    subprocess.run([str(part) for part in command], cwd=folder, check=True, capture_output=True)


def written(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)
    return folder


# ---- sources of one package that says "shiny"; each gives back the dependency file that names it, and what installers are told


def gem_source(where):
    written(where, {"src/lib/shiny.rb": "module Shiny; def self.say; 'shiny'; end; end\n",
                    "src/shiny.gemspec": "Gem::Specification.new { |s| s.name = 'shiny'; s.version = '1.0.0'; s.summary = 'x'\n"
                                         "s.authors = ['a']; s.files = ['lib/shiny.rb'] }\n"})
    (where / "gems").mkdir()
    run_in(where / "src", "gem", "build", "-q", "shiny.gemspec", "-o", where / "gems" / "shiny-1.0.0.gem")
    run_in(where, "gem", "generate_index", "-q", "-d", where)
    return {"Gemfile": f"source 'file://{where}'\ngem 'shiny'\n"}, {}


def module_source(where):
    module = "module example.test/shiny\n\ngo 1.18\n"
    at = written(where / "example.test/shiny/@v", {"list": "v1.0.0\n", "v1.0.0.mod": module,
                                                  "v1.0.0.info": '{"Version": "v1.0.0", "Time": "2024-01-01T00:00:00Z"}\n'})
    with zipfile.ZipFile(at / "v1.0.0.zip", "w") as z:
        z.writestr("example.test/shiny@v1.0.0/go.mod", module)
        z.writestr("example.test/shiny@v1.0.0/shiny.go", 'package shiny\n\nfunc Say() string { return "shiny" }\n')
    told = {"GOPROXY": f"file://{where}", "GONOSUMDB": "*"}
    pack = {"go.mod": "module pack\n\ngo 1.18\n\nrequire example.test/shiny v1.0.0\n"}
    again = written(where / "again", pack)
    subprocess.run(["go", "mod", "download", "example.test/shiny"], cwd=again, check=True, capture_output=True,
                   env={"PATH": os.environ["PATH"], "HOME": str(where), "GOFLAGS": "-mod=mod -modcacherw", **told})
    return {**pack, "go.sum": (again / "go.sum").read_text()}, told


def dist_source(where):
    written(where, {"Shiny-1.0/Makefile.PL": 'use ExtUtils::MakeMaker;\nWriteMakefile(NAME => "Shiny", VERSION => "1.0");\n',
                    "Shiny-1.0/lib/Shiny.pm": 'package Shiny;\nour $VERSION = "1.0";\nsub say { "shiny" }\n1;\n',
                    "Shiny-1.0/MANIFEST": "Makefile.PL\nlib/Shiny.pm\nMANIFEST\n",
                    "modules/02packages.details.txt": "File: 02packages.details.txt\nLine-Count: 1\n\nShiny 1.0 T/TE/TEST/Shiny-1.0.tar.gz\n"})
    (where / "authors/id/T/TE/TEST").mkdir(parents=True)
    run_in(where, "tar", "czf", "authors/id/T/TE/TEST/Shiny-1.0.tar.gz", "Shiny-1.0")
    run_in(where, "gzip", "modules/02packages.details.txt")
    return {"cpanfile": "requires 'Shiny';\n"}, {"PERL_CPANM_OPT": f"--mirror file://{where} --mirror-only"}


def r_source(where):
    """renv itself comes from the network: one of its name that installs the package whose folder the lock file names."""
    restore = ("restore <- function(lockfile, library, prompt) utils::install.packages(readLines(lockfile), lib = library, repos = NULL, "
               'type = "source", quiet = TRUE)\n')
    for name, code in (("renv", restore), ("shiny0", 'say <- function() "shiny"\n')):
        written(where / name, {"DESCRIPTION": f"Package: {name}\nVersion: 1.0\nTitle: X\nDescription: X.\nLicense: MIT\nAuthor: a\n"
                                              "Maintainer: a <a@example.test>\n",
                               "NAMESPACE": 'exportPattern("^[a-z]+$")\n', "R/all.R": code})
    (where / "library").mkdir()
    run_in(where, "R", "CMD", "INSTALL", "--no-docs", "-l", where / "library", where / "renv")
    return {"renv.lock": f"{where}/shiny0\n"}, {"R_LIBS": f"{where}/library"}


# ---- and programs that stand for the installers and interpreters

RUBY = """#!/bin/sh
case "$1" in --version) echo 'ruby 3.1.0' ;; *) cat "$GEM_HOME/shiny" ;; esac
"""
BUNDLE = """#!/bin/sh
[ "$1 $2" = "install --gemfile" ] && [ -f "$3" ] && echo shiny >"$GEM_HOME/shiny"
"""
GO = """#!/bin/sh
case "$1" in
version) echo 'go version go1.19 linux/amd64' ;;
mod) [ "$2" = download ] && [ -f go.mod ] && echo shiny >"$GOPATH/shiny" ;;
run) [ -f "$2" ] && cat "$GOPATH/shiny" ;;
esac
"""
PERL = """#!/bin/sh
case "$1" in -e) printf 'perl 5.36.0' ;; *) for d in $(echo "$PERL5LIB" | tr : ' '); do cat "$d/shiny"; done 2>&- ;; esac
exit 0
"""
CPANM = """#!/bin/sh
[ "$1 $3" = "--local-lib --installdeps" ] && [ -f "$4/cpanfile" ] && mkdir -p "$2/lib/perl5" && echo shiny >"$2/lib/perl5/shiny"
"""
RSCRIPT = """#!/bin/sh
case "$1" in
--version) echo 'Rscript (R) version 4.2.0' ;;
-e) to=${2#*library = \\'} && echo shiny >"${to%%\\'*}/shiny" ;;
*) cat "$R_LIBS_USER/shiny" ;;
esac
"""

LANGUAGES = {
    "ruby": (gem_source, {"ruby": RUBY, "bundle": BUNDLE}, ["gem"], "Gemfile", "a.rb", "require 'shiny'\nputs Shiny.say\n"),
    "go": (module_source, {"go": GO}, [], "go.mod", "a.go",
           'package main\n\nimport (\n\t"example.test/shiny"\n\t"fmt"\n)\n\nfunc main() { fmt.Println(shiny.Say()) }\n'),
    "perl": (dist_source, {"perl": PERL, "cpanm": CPANM}, ["make"], "cpanfile", "a.pl", 'use Shiny;\nprint Shiny::say(), "\\n";\n'),
    "r": (r_source, {"Rscript": RSCRIPT}, ["R"], "renv.lock", "a.R", 'cat(shiny0::say(), "\\n", sep = "")\n'),
}


@pytest.mark.parametrize("by", ["itself", "a stand-in"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_action_finds_what_its_pack_asked_its_installer_for(world, tmp_path, language, by):
    source, programs, more, manifest, file, code = LANGUAGES[language]
    files, told, config = {manifest: "shiny\n"}, {}, {"environments": {"build_timeout": 80}}
    missing = [name for name in [*programs, *more] if not shutil.which(name)]
    if by == "itself" and missing:
        pytest.skip(f"{language} was tried with stand-ins alone: this machine has no {', '.join(missing)}")
    if by == "itself":
        files, told = source(written(tmp_path / "source", {"x": ""}))
    else:
        at = written(tmp_path / "programs", programs)
        config["worker"] = {"path": f"{at}:/usr/bin:/bin", "sandbox_read": [str(at)]}
    world.add_pack("lang", {"pack.yaml": "ref: lang\nversion: 1.0.0\n", f"actions/{file}": code, **files,
                            "actions/a.yaml": f"ref: lang.a\nrunner_type: {language}\nentry_point: {file}\n"})
    config["environments"]["variables"] = told
    world.start(config=config)
    row = do(world, "lang.a", seconds=90)
    assert row["status"] == "completed" and row["result"]["stdout"] == "shiny\n", row
