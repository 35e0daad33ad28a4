/* sallyport, the client. It talks to servers only over TLS. */
#include "client.h"

int main(int argc, char **argv)
{
    return client_main(argc, argv);
}
