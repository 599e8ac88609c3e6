/*
 * Programs in other languages that the worker starts, from the files beside this one.
 */
#pragma once

extern const char forkserver_text[];
extern const char nodeahead_text[];
