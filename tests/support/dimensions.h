/* The five dimensions in which most faults were, each with its values. A test
 * that crosses one of them draws its rows from the list: each value has a row,
 * with what the test plays, or with .why_not: why the value can't matter there,
 * or which test plays it. A new value comes here first; then the compiler or
 * dimension_plays() finds the tables that lack it. */
#ifndef TESTS_SUPPORT_DIMENSIONS_H
#define TESTS_SUPPORT_DIMENSIONS_H

#include <stdbool.h>

/* The one who is there, too. */
#define WHO_LIST(X)                                                            \
    X(WHO_OWN, "another session of the user")                                  \
    X(WHO_OTHER, "another user")                                               \
    X(WHO_OLDER, "an older generation")                                        \
    X(WHO_PROGRAM, "a local program")                                          \
    X(WHO_NODE, "another node") /* its locks don't count here */

/* The time since something began. */
#define HOW_LONG_LIST(X)                                                       \
    X(HOW_LONG_YOUNG, "a young server")                                        \
    X(HOW_LONG_SILENT, "10 s of silence")                                      \
    X(HOW_LONG_RELOADED, "after a reload")

/* The directory of a file. tests/system/clients/matrix has the same words. */
#define PLACE_LIST(X)                                                          \
    X(PLACE_HOME, "home")       /* with all rights */                          \
    X(PLACE_SHARE, "share")     /* the same, with a group's gid */             \
    X(PLACE_DROP, "drop")       /* write alone: names get a suffix */          \
    X(PLACE_MINE, "mine")       /* the right u: only the own files */          \
    X(PLACE_INSPECT, "inspect") /* the right i: uploads wait */                \
    X(PLACE_FOLDING, "folding") /* "A" and "a" are one name, as on vfat */     \
    X(PLACE_NETWORK, "network") /* NFS: no RENAME_NOREPLACE, other locks */

/* The end of a session. The others are ends by the server. */
#define END_BY_LIST(X)                                                         \
    X(END_BY_QUIT, "quit")                                                     \
    X(END_BY_CUT, "cut") /* the client leaves without QUIT */                  \
    X(END_BY_KICK, "kick")                                                     \
    X(END_BY_LOCK, "lock") /* of the user's row */                             \
    X(END_BY_TIME, "time-out")                                                 \
    X(END_BY_DRAIN, "drain")                                                   \
    X(END_BY_RELOAD, "reload") /* by QUIT, in an older generation */           \
    X(END_BY_RETIREMENT, "retire")                                             \
    X(END_BY_STOP, "stop")                                                     \
    X(END_BY_DEATH, "death") /* the process is killed */

/* The thing that a name leads to. */
#define NAME_IS_LIST(X)                                                        \
    X(NAME_IS_FILE, "file")                                                    \
    X(NAME_IS_DIRECTORY, "directory")                                          \
    X(NAME_IS_LINK, "link")                                                    \
    X(NAME_IS_HARD_LINK, "hard link")                                          \
    X(NAME_IS_OTHER_CASE, "other case") /* "A", and the name is "a" */         \
    X(NAME_IS_GONE, "gone")             /* since the session has seen it */    \
    X(NAME_IS_REPLACED, "replaced")

#define DIMENSION_VALUE(value, word) value,
enum who { WHO_LIST(DIMENSION_VALUE) WHO_COUNT };
enum how_long { HOW_LONG_LIST(DIMENSION_VALUE) HOW_LONG_COUNT };
enum place_kind { PLACE_LIST(DIMENSION_VALUE) PLACE_COUNT };
enum end_by { END_BY_LIST(DIMENSION_VALUE) END_BY_COUNT };
enum name_is { NAME_IS_LIST(DIMENSION_VALUE) NAME_IS_COUNT };

extern const char *const who_words[WHO_COUNT];
extern const char *const place_words[PLACE_COUNT];
extern const char *const end_by_words[END_BY_COUNT];
extern const char *const name_is_words[NAME_IS_COUNT];

/* Is the row of the value WORD to be played? Fails the test if the row has
 * neither something to play nor a reason, or both. */
bool dimension_plays(const char *word, bool plays, const char *why_not);

/* Doesn't compile if the last of COUNT values have no row in ROWS. */
#define DIMENSION_ROWS(rows, count)                                            \
    _Static_assert(sizeof(rows) / sizeof((rows)[0]) >= (count),                \
                   "a value of tests/support/dimensions.h has no row")

#endif
