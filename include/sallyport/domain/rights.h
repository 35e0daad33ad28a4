/* Rights, letter by letter, and the roles that bundle them; modes of files. */
#ifndef SALLYPORT_DOMAIN_RIGHTS_H
#define SALLYPORT_DOMAIN_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

enum right {
    RIGHT_LIST = 1,       /* l: LIST, NLST, MLSD, MLST, SIZE, MDTM */
    RIGHT_READ = 2,       /* r: RETR */
    RIGHT_WRITE = 4,      /* w: STOR of a new name, APPE */
    RIGHT_REPLACE = 8,    /* o: with w, STOR over an existing name */
    RIGHT_DELETE = 16,    /* d: DELE */
    RIGHT_RENAME = 32,    /* n: RNFR, RNTO */
    RIGHT_DIRECTORY = 64, /* m: MKD, RMD */
    RIGHT_ALL = 127,
    RIGHT_MINE = 128,    /* u: the other letters hold for the user's own files
                          * only */
    RIGHT_INSPECT = 256, /* i: with w, uploads wait until sallyportctl releases
                            them */
    RIGHTS_MOST = RIGHT_ALL | RIGHT_MINE | RIGHT_INSPECT
};

/* Parses "full", "read", "collect", "drop", "mine", or letters like "lrw".
 * RIGHT_MINE needs another right, and excludes RIGHT_DIRECTORY, since MKD would
 * show that a name is taken. RIGHT_INSPECT needs RIGHT_WRITE. Returns 0 or
 * -EINVAL. */
int rights_parse(struct slice text, unsigned *ret);
#define RIGHTS_EXPECTED                                                        \
    "expected full, read, collect, drop, mine, or letters of lrwodnmui, each " \
    "once, u without m, i with w"
/* Writes the name of the role with these rights, or their letters. Returns
 * OUT. */
const char *rights_text(unsigned rights, char out[16]);

#define RIGHTS_WORDS_MAX 160
/* Writes the permitted actions, such as "list (l), read (r)", with BETWEEN,
 * here ", ", between them. Returns OUT. */
const char *rights_words(unsigned rights, const char *between,
                         char out[RIGHTS_WORDS_MAX]);

/* Are these the rights of a drop, in which users may write, but neither list
 * nor read? */
bool rights_drop(unsigned rights);
/* Returns the rights that count. In a drop only the right to write and
 * RIGHT_INSPECT count, since each other right would show something. */
unsigned rights_counting(unsigned rights);

/* The bits that a mode must have, and the bits that it may have. A file is
 * never executable, and only owner and group may write. */
#define FILE_MODE_NEEDED 0600
#define FILE_MODE_MOST   0664
#define DIR_MODE_NEEDED  0700
#define DIR_MODE_MOST    0775
#define FILE_MODE_EXPECTED                                                     \
    "a mode from 0600 to 0664, where others don't write and nobody executes"
#define DIR_MODE_EXPECTED "a mode from 0700 to 0775, where others don't write"

/* Parses three octal digits, or four with a 0 at the beginning. Returns 0;
 * -EINVAL: another syntax; -ERANGE: the mode lacks a bit of NEEDED, or has a
 * bit that MOST lacks. */
int mode_parse(struct slice text, unsigned needed, unsigned most,
               unsigned *ret);
/* Does the mode have all bits of NEEDED, and only bits of MOST? */
bool mode_ok(uint64_t mode, unsigned needed, unsigned most);
/* Returns the mode of directories for files of FILE_MODE: whoever can read the
 * files can enter the directory. */
unsigned mode_of_directory(unsigned file_mode);

#endif
