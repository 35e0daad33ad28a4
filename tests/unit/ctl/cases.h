/* Cases of sallyportctl as text. A file is a list of cases; each has a world of
 * its own (world.h), which is the working directory. The lines:
 *   # …           a comment
 *   = TITLE       begins a case; each case begins with the lines before the
 *                 first title
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
 *   ? REQUEST     a request that a played process got. If there is such a line,
 *                 all requests are here; "drain" again is no line
 *   % LINE        the same as $, but its output only counts if it fails
 *   SERVER        a server is played from here on, or
 *   FILES         the processes files, by the lines below (played.h)
 * The lines of output must be the whole output, in its order. {dir} is the
 * directory of the world; <0x1b> is a byte that can't be printed, or a blank at
 * the end of a line. If SALLYPORT_REWRITE is in the environment, the output
 * replaces the expected lines that don't match it. */
#ifndef TEST_CTL_CASES_H
#define TEST_CTL_CASES_H

/* Plays all cases of the file PATH. A failure names file and line, and ends the
 * case. */
void cases_play(const char *path);

#endif
