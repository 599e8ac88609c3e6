"""Environments of languages whose installers can work from a folder: what a pack names in its dependency file, its actions find."""

import shutil
import subprocess

from work import do


def gem_folder(where):
    """A folder that is a source of gems, as bundler reads one, with one gem that is made here."""
    (where / "src" / "lib").mkdir(parents=True)
    (where / "gems").mkdir()
    (where / "src" / "lib" / "shiny.rb").write_text("module Shiny; def self.say; 'shiny'; end; end\n")
    (where / "src" / "shiny.gemspec").write_text("Gem::Specification.new { |s| s.name = 'shiny'; s.version = '1.0.0'; s.summary = 'x'\n"
                                                 "s.authors = ['a']; s.files = ['lib/shiny.rb'] }\n")
    subprocess.run(["gem", "build", "-q", "shiny.gemspec", "-o", str(where / "gems" / "shiny-1.0.0.gem")], cwd=where / "src", check=True,
                   capture_output=True)
    subprocess.run(["gem", "generate_index", "-q", "-d", str(where)], check=True, capture_output=True)
    return where


def test_an_action_in_ruby_finds_the_gems_of_its_pack(world, tmp_path):
    """Where ruby and bundler are; elsewhere a worker says that it lacks them (test_hands.py)."""
    if not (shutil.which("ruby") and shutil.which("bundle")):
        return
    source = gem_folder(tmp_path / "source")
    world.add_pack("rb", {"pack.yaml": "ref: rb\nversion: 1.0.0\n", "Gemfile": f"source 'file://{source}'\ngem 'shiny'\n",
                          "actions/a.rb": "require 'shiny'\nputs Shiny.say\n",
                          "actions/a.yaml": "ref: rb.a\nrunner_type: ruby\nentry_point: a.rb\n"})
    world.start()
    row = do(world, "rb.a", seconds=90)
    assert row["status"] == "completed" and row["result"]["stdout"] == "shiny\n", row
