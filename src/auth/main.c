/* The process auth: answers "is this the password of that name?" against the
 * users file that master gave it. It opens nothing and reaches nobody; why a
 * login failed goes to the log, and to nobody else. */
#include "auth.h"

int main(int argc, char **argv)
{
    static struct auth auth;

    return frame_main(&auth_row, &auth.frame, argc, argv);
}
