/* The process keys: holds the private keys and signs TLS handshakes. It opens
 * nothing, reaches nobody, and its memory is nobody else's. */
#include <stdlib.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/process.h"
#include "setup.h"

#define MAIN_FD 3

int main(int argc, char **argv)
{
    static struct keys keys;
    struct setup setup;
    int r;

    process_title_init(argc, argv);
    process_title("%s", cage_row(PROCESS_KEYS)->title);
    die_title("keys");
    keys_init(&keys, MAIN_FD);
    setup_init(&setup, &keys);
    if (setup_receive(&setup) < 0 || setup_cage(&setup) < 0) {
        setup_failed(&setup);
        return EXIT_SUCCESS; /* master decides what that means */
    }
    r = keys_run(&keys);
    keys_release(&keys);
    return r == 0 ? EXIT_SUCCESS : EX_OSERR;
}
