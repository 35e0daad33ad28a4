/* Makes, reads and changes files of a test, by their paths. A call that can't
 * do its work fails the test. */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/buf.h"

void files_make_folder(const char *path, mode_t mode);
void files_write(const char *path, const void *bytes, size_t len, mode_t mode);
/* Sets the time of PATH's last change. */
void files_set_time(const char *path, time_t when);
/* Reads the whole file. Returns false, and no bytes, if it can't be opened. */
bool files_read(const char *path, struct buf *into);
bool files_exists(const char *path);
/* Returns the path of a file in the source tree, or in a copy of the tree that
 * this user can read. The result stays valid. */
const char *in_source(const char *name);
/* Replaces the first FROM in a file by TO. Writes into the file if IN_PLACE,
 * and otherwise writes a new file and renames it. */
void files_change(const char *path, const char *from, const char *to,
                  bool in_place);
/* Gives PATH, a file that root has written, to the owner of FOLDER. */
void files_give_to_owner_of(const char *folder, const char *path);
/* Makes LEN bytes that look random but are the same for the same SEED. */
void files_noise(void *into, size_t len, uint64_t seed);

#endif
