/*
 * What speaks to RabbitMQ, which the embedded world does not need.
 */
#pragma once

#include "base/late.h"

extern LateLibrary librabbitmq;
