/* Matches patterns of transcripts. Their text is literal, except placeholders:
 *   {*}     any bytes, as few as possible
 *   {n}     one or more digits
 *   {hex}   one or more hex digits
 *   {time}  fourteen digits, the form of MDTM
 *   {keep}  any bytes, as few as possible, which are kept
 *   {port}  digits, which are kept
 *   {p1},{p2}  the two port numbers of a PASV reply, which are kept
 * Other braces, as in JSON, are text. */
#ifndef TESTS_SUPPORT_PATTERN_H
#define TESTS_SUPPORT_PATTERN_H

#include <stdbool.h>

#include "sallyport/base/slice.h"

struct pattern_match {
    unsigned port;     /* 0: the pattern had no port */
    struct slice kept; /* .ptr NULL: the pattern kept nothing */
};

/* Returns true if PATTERN matches the whole TEXT. Changes *MATCH only then;
 * MATCH may be NULL. */
bool pattern_matches(struct slice pattern, struct slice text,
                     struct pattern_match *match);

#endif
