/* The text of transcript lines. */
#ifndef TESTS_SYSTEM_TRANSCRIPT_TEXT_H
#define TESTS_SYSTEM_TRANSCRIPT_TEXT_H

#include <stddef.h>

/* The longest line that a transcript sends has 4,096 bytes and a path. */
#define TRANSCRIPT_LINE_MAX 32768

struct transcript_words {
    const char *user, *folder, *kept, *each;
};

/* Fills in {user} and {password}; {server}, the server's directory; {kept},
 * what the last {keep} of a pattern has matched; {each}, the present word of
 * EACH; {file NAME}, the text of a file in the server's directory; and TEXT in
 * place of {NUMBER*TEXT}: "{8200*a}" is a long line. Other braces stay. */
void transcript_fill(const char *line, const struct transcript_words *words,
                     char out[TRANSCRIPT_LINE_MAX]);
/* Cuts LINE at its first " => ". Returns the text behind it, or NULL. */
char *transcript_cut(char *line);
/* Replaces \r \n \t \\ \xNN by bytes. Returns the number of bytes in OUT. */
size_t transcript_unescape(const char *text, char out[TRANSCRIPT_LINE_MAX]);

#endif
