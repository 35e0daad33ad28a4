/* Runs libcurl by its multi interface. curl_easy_perform() sleeps in the wrong
 * places: after EPSV it waits for no socket at all, and while a data connection
 * is being made it doesn't see the replies (7.88). Each file then costs 200 ms
 * or a whole second. */
#include <poll.h>
#include <sys/select.h>

#include "link_private.h"
#include "progress.h"
#include "sallyport/base/clock.h"

#define WAIT_MS     1000
#define REST_MS     10
#define AT_ONCE_MAX 100 /* rounds in a row without a wait */
#define PAUSE_MAX   30  /* seconds between two tries */

/* Does libcurl have a socket to wait for? If not, it wants to be called
 * again. */
static bool link_has_socket(struct link *l)
{
    fd_set in, out, other;
    int most = -1;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&other);
    curl_multi_fdset(l->multi, &in, &out, &other, &most);
    return most >= 0;
}

/* Waits until a byte comes. After the 150 libcurl itself waits, since the reply
 * at the end may arrive long before the last byte of the file. ROUNDS counts
 * calls that didn't wait. It keeps a reply that libcurl doesn't read yet, or a
 * slow look-up of a name, from using the whole processor. */
static void link_wait(struct link *l, unsigned *rounds)
{
    struct curl_waitfd control = { .fd = l->control,
                                   .events = CURL_WAIT_POLLIN };
    bool commands = l->control >= 0 && (l->reply < 100 || l->reply >= 200);
    int ready = 1;

    if (*rounds > AT_ONCE_MAX)
        curl_multi_poll(l->multi, NULL, 0, REST_MS, &ready);
    else if (!commands || link_has_socket(l))
        curl_multi_poll(l->multi, &control, commands ? 1 : 0, WAIT_MS, &ready);
    *rounds = commands && ready > 0 ? *rounds + 1 : 0;
}

static CURLcode link_result(struct link *l)
{
    const CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(l->multi, &left)))
        if (m->msg == CURLMSG_DONE)
            return m->data.result;
    return CURLE_ABORTED_BY_CALLBACK;
}

CURLcode link_perform(struct link *l)
{
    unsigned rounds = 0;
    int running = 0;

    if (curl_multi_add_handle(l->multi, l->curl) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    do {
        /* More bytes usually follow at once; libcurl looks for them by
         * itself. */
        if (!l->moved && running)
            link_wait(l, &rounds);
        l->moved = false;
    } while (!link_interrupted &&
             curl_multi_perform(l->multi, &running) == CURLM_OK && running);
    CURLcode r = link_result(l);
    curl_multi_remove_handle(l->multi, l->curl);
    return r;
}

/* Returns false: the user doesn't want to wait. */
static bool link_pause(uint64_t seconds)
{
    uint64_t end = clock_ms() + 1000 * seconds, now;

    while (!link_interrupted && (now = clock_ms()) < end)
        poll(NULL, 0, end - now < 100 ? (int)(end - now) : 100);
    return !link_interrupted;
}

bool link_again(const struct link *l, struct retry *r, const char *what,
                const struct failure *why)
{
    if (!why->cut || r->tries >= l->site->options->retries || link_interrupted)
        return false;
    r->tries++;
    r->pause = r->pause == 0 ? 1 : 2 * r->pause;
    if (r->pause > PAUSE_MAX)
        r->pause = PAUSE_MAX;
    progress_note("%s: %s; trying again in %llu s", what, why->text,
                  (unsigned long long)r->pause);
    return link_pause(r->pause);
}
