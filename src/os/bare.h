/*
 * For functions that run between clone and exec in a child that shares our memory: the sanitizers must not look at them.
 */
#pragma once

#define BARE __attribute__((no_sanitize("address", "undefined"), no_sanitize("thread"), noinline))
