/* The handlers of keys. Keys knows the private keys and nothing else: it has no
 * file, no network and no users. It signs handshakes. */
#include "keys.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

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

static int keys_add(struct keys *k, const struct msg_key *msg,
                    struct complaint *c)
{
    char name[MESSAGE_TEXT_MAX + 1];
    struct sign_key *key;

    if (k->count == KEYS_MAX)
        return complain(c, "too many keys");
    if (slice_copy(msg->path, name, sizeof(name)) < 0)
        return complain(c, "the path of a key is too long");
    key = sign_key_new(msg->file, name, c);
    if (!key)
        return -EINVAL;
    k->key[k->count++] = (struct key){ msg->number, key };
    return 0;
}

/* The keys of a reload are accepted all together, or none is. */
static int keys_on_key(void *owner, struct msg_key *msg)
{
    struct keys *k = owner;

    if (!k->complaint.text[0])
        keys_add(k, msg, &k->complaint);
    return 0;
}

static void drop_new_keys(struct keys *k)
{
    while (k->count > k->taken)
        sign_key_free(k->key[--k->count].key);
}

static int keys_on_take(void *owner, struct msg_take *msg)
{
    struct keys *k = owner;
    int r;

    if (k->complaint.text[0]) {
        r = SEND(&k->frame.master, not_taken, 0, .generation = msg->generation,
                 .why = slice_from(k->complaint.text));
        drop_new_keys(k);
    } else {
        r = SEND(&k->frame.master, taken, 0, .generation = msg->generation);
    }
    k->taken = k->count;
    k->complaint.text[0] = '\0';
    return r;
}

/* Master may not know that keys has dropped the keys of a reload. */
static int keys_on_key_gone(void *owner, struct msg_key_gone *msg)
{
    struct keys *k = owner;

    for (size_t i = 0; i < k->taken; i++) {
        if (k->key[i].number != msg->number)
            continue;
        sign_key_free(k->key[i].key);
        memmove(&k->key[i], &k->key[i + 1],
                (k->count - i - 1) * sizeof(k->key[0]));
        k->taken--;
        k->count--;
        break;
    }
    return 0;
}

static int keys_on_client(void *owner, struct msg_keys_client *msg)
{
    if (msg->process != PROCESS_SESSION && msg->process != PROCESS_GATE)
        die(EX_PROTOCOL, "master names a process that may not sign");
    asker_open(owner, fd_take(&msg->client), msg->process, msg->serial);
    return 0;
}

static int keys_on_first_key(void *owner, struct msg_key *msg)
{
    struct keys *k = owner;

    return keys_add(k, msg, &k->frame.why);
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

    k->taken = k->count;
    k->frame.plan.max_files = k->askers_max + FILES_BESIDES;
    if (k->count == 0 || k->askers_max == 0)
        return complain(&k->frame.why, "keys: set-up: something is missing");
    return 0;
}

static const struct handler keys_setup[] = {
    FRAME_SETUP_WITH_LOG,
    ON(key, keys_on_first_key),
    ON(peers, keys_on_peers),
};

static const struct handler keys_work[] = {
    ON(keys_client, keys_on_client),
    ON(key, keys_on_key),
    ON(take, keys_on_take),
    ON(key_gone, keys_on_key_gone),
};

const struct frame_row keys_row = {
    .process = PROCESS_KEYS,
    FRAME_HANDLERS(keys_setup, keys_work),
    .init = keys_init,
    .complete = keys_complete,
    .release = keys_release,
};
