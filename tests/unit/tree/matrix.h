/* Checks each #include of the source tree against a table: which room may use
 * which rooms, single headers and libraries. */
#ifndef TEST_MATRIX_H
#define TEST_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/* A room is a directory of src; a sub-room ("master/start") is a directory in a
 * room. A sub-room may use what its room may, and only those other sub-rooms of
 * its room that its own row names. */
struct matrix_room {
    const char *name;
    const char *uses;      /* rooms, sub-rooms, and single public headers as
                              "files/files.h"; a room always may use itself */
    const char *libraries; /* "zlib.h openssl/": headers, and directories of
                              headers, that no other room may include */
};

/* The only file of a room that may include HEADER, if the room has a library
 * for one purpose. Several rows for the same header permit several files. */
struct matrix_file {
    const char *room, *header, *file;
};

#define MATRIX_ROOMS_MAX 64

struct matrix {
    const char *root; /* the source tree: it has src and include/sallyport */
    const struct matrix_room *rooms;
    size_t room_count; /* at most MATRIX_ROOMS_MAX */
    const struct matrix_file *files;
    size_t file_count;
    void (*report)(const char *fault);
};

/* Reports each fault in words: an include that the table doesn't permit or that
 * can't be judged, a directory without a row, a row without a directory, a
 * cycle between rooms or sub-rooms. Returns the number of faults. */
size_t matrix_check(const struct matrix *m);

/* Is WORD one of the words of LIST, which blanks separate? */
bool matrix_has_word(const char *list, const char *word, size_t len);

#endif
