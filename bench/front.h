/*
 * How much of what the HTTP library could answer is answered: reads by 16 connections at once, beside a bare server of the same library,
 * and a page far into a long list beside the first. The list holds at least DEEP pages of executions.
 */
#pragma once

enum { FRONT_DEEP = 1000, FRONT_PAGE = 50 };

void front(int port);
