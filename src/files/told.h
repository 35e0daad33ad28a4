/* The lengths of partials that SIZE has reported. */
#ifndef FILES_TOLD_H
#define FILES_TOLD_H

#include <stddef.h>
#include <stdint.h>

/* Kept by directory and name, so that each path to the file finds it; with the
 * partial's state, since another session may put other bytes of the same length
 * there. */
#define TOLD_MAX 64
struct told {
    struct {
        uint64_t id[2];
        uint64_t length; /* 0: free */
        uint64_t state;
    } row[TOLD_MAX];
    size_t next;
};

/* Remembers the length for NAME in the open directory DIRECTORY; 0 takes it
 * back. The key is that of the partials' names. */
void told_set(struct told *t, const uint8_t *key, int directory,
              const char *name, uint64_t length, uint64_t state);
/* The length, with *state; 0: none. */
uint64_t told_get(const struct told *t, const uint8_t *key, int directory,
                  const char *name, uint64_t *state);

#endif
