/* The process auth: answers "is this the password of that name?" against the
 * users file that master gave it. It opens nothing and reaches nobody; why a
 * login failed goes to the log, and to nobody else. */
#include <stdlib.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/process.h"
#include "setup.h"

#define MAIN_FD 3

int main(int argc, char **argv)
{
    static struct auth auth;
    struct setup setup;
    int r;

    process_title_init(argc, argv);
    process_title("%s", cage_row(PROCESS_AUTH)->title);
    die_title("auth");
    auth_init(&auth, MAIN_FD);
    setup_init(&setup, &auth);
    if (setup_receive(&setup) < 0 || setup_cage(&setup) < 0) {
        setup_failed(&setup);
        return EXIT_SUCCESS; /* master decides what that means */
    }
    r = auth_run(&auth);
    auth_release(&auth);
    return r == 0 ? EXIT_SUCCESS : EX_OSERR;
}
