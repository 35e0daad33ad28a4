/* The lengths of partials that SIZE has reported, in the process files. After
 * such an answer the client's APPE or REST sends only the rest. */
#include "told.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "sallyport/base/siphash.h"

/* Two hashes, which differ in their first byte, make 128 bits. */
static bool told_id(const uint8_t *key, int directory, const char *name,
                    uint64_t id[2])
{
    unsigned char bytes[1 + 2 * sizeof(uint64_t) + NAME_MAX];
    size_t len = strlen(name);
    uint64_t place[2];
    struct stat st;

    if (fstat(directory, &st) < 0 || len > NAME_MAX)
        return false;
    place[0] = st.st_dev;
    place[1] = st.st_ino;
    memcpy(bytes + 1, place, sizeof(place));
    memcpy(bytes + 1 + sizeof(place), name, len);
    for (unsigned char i = 0; i < 2; i++) {
        bytes[0] = i;
        id[i] = siphash(key, bytes, 1 + sizeof(place) + len);
    }
    return true;
}

void told_set(struct told *t, const uint8_t *key, int directory,
              const char *name, uint64_t length, uint64_t state)
{
    uint64_t id[2];

    if (!told_id(key, directory, name, id))
        return;
    for (size_t i = 0; i < TOLD_MAX; i++)
        if (memcmp(t->row[i].id, id, sizeof(id)) == 0)
            t->row[i].length = 0;
    if (length == 0)
        return;
    memcpy(t->row[t->next].id, id, sizeof(id));
    t->row[t->next].length = length;
    t->row[t->next].state = state;
    t->next = (t->next + 1) % TOLD_MAX;
}

uint64_t told_get(const struct told *t, const uint8_t *key, int directory,
                  const char *name, uint64_t *state)
{
    uint64_t id[2];

    if (!told_id(key, directory, name, id))
        return 0;
    for (size_t i = 0; i < TOLD_MAX; i++)
        if (t->row[i].length != 0 &&
            memcmp(t->row[i].id, id, sizeof(id)) == 0) {
            *state = t->row[i].state;
            return t->row[i].length;
        }
    return 0;
}
