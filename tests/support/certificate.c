/* Makes or copies the certificate of a test's server: certs/make takes a tenth
 * of a second of CPU time, and hundreds of tests need a certificate. */
#include "certificate.h"

#include "fail.h"
#include "files.h"
#include "run.h"
#include "server.h"
#include "test.h"

static void copy(const char *from, const char *to, const char *name,
                 mode_t mode)
{
    char path[SERVER_PATH_MAX];
    struct buf text;

    buf_init(&text, 1 << 16);
    snprintf(path, sizeof(path), "%s/%s", from, name);
    FAIL_IF(!files_read(path, &text), "%s can't be read", path);
    snprintf(path, sizeof(path), "%s/%s", to, name);
    files_write(path, text.data, text.len, mode);
    buf_release(&text);
}

void certificate_make(const char *directory)
{
    const char *ready = getenv("SALLYPORT_TEST_CERTIFICATE");
    struct run_result r;

    if (ready) {
        copy(ready, directory, "certificate.pem", 0644);
        copy(ready, directory, "key.pem", 0600);
        return;
    }
    run(&r, NULL, in_source("certs/make"), "--out", directory, "localhost",
        "127.0.0.1", "::1", NULL);
    FAIL_IF(r.status != 0, "certs/make: %s", r.text);
    run_release(&r);
}
