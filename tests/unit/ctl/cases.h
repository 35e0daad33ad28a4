/* Cases of sallyportctl as text. A file is a row of cases; each has a world of
 * its own (world.h), which is the working directory. Lines:
 *   # …           a comment
 *   = TITLE       begins a case; the lines before the first one begin each case
 *   ROOT, USER    the case is for root only, or for other users only
 *   FILE NAME     makes a file with the "<" lines that follow
 *   $ LINE        a shell runs the line, which must succeed. sallyportctl is
 *                 this build's, with the world's configuration; "flat" puts
 *                 its input, such as JSON, on one line; "import FORMAT FILE"
 *                 is a converter of etc/import
 *   $64 LINE      the exit status is 64
 *   < TEXT        a line of its standard input
 *   > PATTERN     a line of its standard output (support/pattern.h)
 *   2> PATTERN    a line of its standard error
 *   % LINE        the same as $, but what it says doesn't count
 * The output must be the whole one, in this order. {dir} is the directory of
 * the world; <0x1b> is a byte that can't be printed, or a blank at the end of a
 * line. With SALLYPORT_REWRITE in the environment the output becomes the
 * expected one, but for lines that match. */
#ifndef TEST_CTL_CASES_H
#define TEST_CTL_CASES_H

/* Plays all cases of the file. A failure names file and line, and ends the
 * case. */
void cases_play(const char *path);

#endif
