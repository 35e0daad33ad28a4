/* The build, which a child reports to master at its start. Each run of the
 * build computes the hash of the sources (etc/cmake/build.cmake), and this file
 * that of the messages at run time. */
#include "sallyport/ipc/generation.h"

#include <string.h>

#include "sallyport/base/random.h"
#include "sallyport/ipc/channel.h"

const char *build_name(void)
{
    return SALLYPORT_BUILD;
}

void build_name_fill(char out[BUILD_NAME_MAX])
{
    _Static_assert(sizeof(SALLYPORT_BUILD) <= BUILD_NAME_MAX, "its NUL too");
    memset(out, 0, BUILD_NAME_MAX);
    memcpy(out, SALLYPORT_BUILD, sizeof(SALLYPORT_BUILD));
}

bool build_name_is(const char name[BUILD_NAME_MAX])
{
    char own[BUILD_NAME_MAX];

    build_name_fill(own);
    return memcmp(name, own, sizeof(own)) == 0;
}

void build_send(struct channel *master)
{
    SEND(master, build, 0, .name = slice_from(build_name()),
         .messages = build_messages());
}

/* The hash so far, and TEXT, and up to six numbers. */
static uint64_t hash_mix(uint64_t hash, const char *text,
                         const uint64_t number[6])
{
    uint8_t key[SIPHASH_KEY] = { 0 };

    memcpy(key, &hash, sizeof(hash));
    hash = siphash(key, text, strlen(text));
    memcpy(key, &hash, sizeof(hash));
    return siphash(key, number, 6 * sizeof(*number));
}

static uint64_t mix_message(uint64_t hash, const struct message_row *row)
{
    hash = hash_mix(hash, row->name,
                    (const uint64_t[6]){ row->from, row->to, row->phases,
                                         row->once, row->answers });
    for (const struct message_field *f = row->fields(); f->type != TYPE_END;
         f++)
        hash =
            hash_mix(hash, f->name, (const uint64_t[6]){ f->type, f->count });
    return hash;
}

uint64_t build_messages(void)
{
    uint64_t hash = 0;

    for (unsigned kind = MSG_NONE + 1; kind < MSG_COUNT; kind++)
        if (message_row(kind))
            hash = mix_message(hash, message_row(kind));
    return hash;
}
