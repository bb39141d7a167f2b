/* A web server as one static binary: answers every request with its version, and counts them in ./storage/visits. */

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER "{\"version\": \"" VERSION "\"}\n"

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) {
        perror("listen");
        exit(1);
    }
    return listener;
}

/* Reads to the empty line behind the headers. */
static void read_request(int visitor) {
    char bytes[4096];
    size_t length = 0;
    ssize_t more;
    while (length < sizeof bytes - 1 && (more = read(visitor, bytes + length, sizeof bytes - 1 - length)) > 0) {
        length += more;
        bytes[length] = 0;
        if (strstr(bytes, "\r\n\r\n")) return;
    }
}

int main(void) {
    const char *port = getenv("PORT");
    int listener = listen_on(port ? atoi(port) : 8000);
    for (;;) {
        int visitor = accept(listener, NULL, NULL);
        FILE *visits = fopen("storage/visits", "a");
        if (visits) {
            fputs(VERSION "\n", visits);
            fclose(visits);
        }
        read_request(visitor);
        dprintf(visitor, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                sizeof ANSWER - 1, ANSWER);
        close(visitor);
    }
}
