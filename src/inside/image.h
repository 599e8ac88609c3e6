/*
 * What is built here, as bytes: the worker has no other files than itself.
 */
#pragma once

#include <stddef.h>

extern const unsigned char seed_image[];
extern const size_t seed_image_size;

extern const unsigned char leave_image[];
extern const size_t leave_image_size;
