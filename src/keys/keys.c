/* The handlers of keys. Keys knows the private keys and nothing else: it has no
 * file, no network and no users. It signs handshakes. */
#include "keys.h"

#include <errno.h>
#include <sysexits.h>

#include "sallyport/base/complain.h"

static void keys_init(void *owner)
{
    struct keys *k = owner;

    *k = (struct keys){ .frame = k->frame };
    LIST_INIT(&k->list);
}

static void keys_release(void *owner)
{
    struct keys *k = owner;

    while (!LIST_EMPTY(&k->list))
        asker_close(LIST_FIRST(&k->list));
    for (size_t i = 0; i < k->count; i++)
        sign_key_free(k->key[i].key);
}

const struct sign_key *keys_find(const struct keys *k, uint64_t number)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->key[i].number == number)
            return k->key[i].key;
    return NULL;
}

static int keys_on_key(void *owner, struct msg_key *msg)
{
    struct keys *k = owner;
    char name[MESSAGE_TEXT_MAX + 1];
    struct sign_key *key;

    if (k->count == CERTIFICATES_MAX)
        return complain(&k->frame.why, "too many keys");
    if (slice_copy(msg->path, name, sizeof(name)) < 0)
        return complain(&k->frame.why, "the path of a key is too long");
    key = sign_key_new(msg->file, name, &k->frame.why);
    if (!key)
        return -EINVAL;
    k->key[k->count++] = (struct key){ msg->number, key };
    return 0;
}

static int keys_on_client(void *owner, struct msg_keys_client *msg)
{
    if (msg->process != PROCESS_SESSION && msg->process != PROCESS_GATE)
        die(EX_PROTOCOL, "master names a process that may not sign");
    asker_open(owner, msg);
    return 0;
}

static int keys_on_peers(void *owner, struct msg_peers *msg)
{
    struct keys *k = owner;

    k->askers_max = msg->most;
    return 0;
}

/* Standard ones, master, log, the loop; a key file for a moment. */
#define FILES_BESIDES 16

static int keys_complete(void *owner)
{
    struct keys *k = owner;

    k->frame.plan.max_files = k->askers_max + FILES_BESIDES;
    if (k->count == 0 || k->askers_max == 0)
        return complain(&k->frame.why, "keys: set-up: something is missing");
    return 0;
}

static const struct handler keys_setup[] = {
    FRAME_SETUP_WITH_LOG,
    ON(key, keys_on_key),
    ON(peers, keys_on_peers),
};

static const struct handler keys_work[] = {
    ON(keys_client, keys_on_client),
};

const struct frame_row keys_row = {
    .process = PROCESS_KEYS,
    .filter = &filter_keys,
    FRAME_HANDLERS(keys_setup, keys_work),
    .init = keys_init,
    .complete = keys_complete,
    .release = keys_release,
};
