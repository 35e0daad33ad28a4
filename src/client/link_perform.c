/* Runs libcurl by its multi interface. curl_easy_perform() sleeps in the wrong
 * places: after EPSV it waits for no socket at all, and while a data connection
 * is being made it doesn't see the replies (7.88). Each file then costs 200 ms
 * or a whole second. */
#include <sys/select.h>

#include "link_private.h"

#define WAIT_MS     1000
#define REST_MS     10
#define AT_ONCE_MAX 100 /* rounds in a row without a wait */

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
