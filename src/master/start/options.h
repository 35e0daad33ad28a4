/* The command line of sallyportd. */
#ifndef SALLYPORT_SRC_MASTER_START_OPTIONS_H
#define SALLYPORT_SRC_MASTER_START_OPTIONS_H

#include <stdio.h>

#include "sallyport/settings/settings.h"

struct options {
    const char *config;
    int check, foreground, version, help; /* 1: given */
};

/* Returns 0, or EX_USAGE (64) after a line on standard error. */
int options_parse(struct options *o, int argc, char **argv);
void options_help(FILE *out);

#endif
