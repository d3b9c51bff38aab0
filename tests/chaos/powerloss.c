/* A disk that forgets what was not synchronised, for one process (LD_PRELOAD).
 *
 * Of every regular file below the folder POWERLOSS_DISK it remembers which bytes were written, and copies them into
 * the same place below POWERLOSS_SHADOW when the process calls fsync or fdatasync: the shadow is what a power loss
 * leaves. Whoever simulates one kills the process and puts the shadow in the folder's place.
 *
 * The disk is as unkind as a real one may be: nothing unsynchronised survives, a removal survives at once. It is as
 * kind as real ones are: a new file's name survives with the file's first synchronisation.
 *
 * What another process wrote and never synchronised becomes durable with the next synchronisation of the file, whoever
 * calls it; so an open file counts as wholly written.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define MAX_FDS 4096
#define MAX_FILES 256
#define MAX_RANGES 1024

struct range {
    off_t from, to;
};

struct file {
    char path[PATH_MAX];
    dev_t device;
    ino_t inode;
    int descriptors; /* 0: the slot is free */
    int ranges;
    struct range range[MAX_RANGES];
};

static struct file files[MAX_FILES];
static struct file *of_fd[MAX_FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *disk, *shadow;
static size_t disk_length;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

static void *find(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        fprintf(stderr, "powerloss: no %s\n", name);
        abort();
    }
    return found;
}

__attribute__((constructor)) static void begin(void) {
    *(void **)&real_open = find("open64");
    *(void **)&real_openat = find("openat64");
    *(void **)&real_close = find("close");
    *(void **)&real_write = find("write");
    *(void **)&real_pwrite = find("pwrite64");
    *(void **)&real_ftruncate = find("ftruncate64");
    *(void **)&real_fsync = find("fsync");
    *(void **)&real_fdatasync = find("fdatasync");
    *(void **)&real_unlink = find("unlink");
    *(void **)&real_rename = find("rename");
    disk = getenv("POWERLOSS_DISK");
    shadow = getenv("POWERLOSS_SHADOW");
    if (disk == NULL || shadow == NULL) {
        fprintf(stderr, "powerloss: POWERLOSS_DISK and POWERLOSS_SHADOW must name folders\n");
        abort();
    }
    disk_length = strlen(disk);
}

static int ours(const char *path) {
    return path != NULL && strncmp(path, disk, disk_length) == 0 && path[disk_length] == '/';
}

static void shadow_of(const char *path, char *out) {
    if (snprintf(out, PATH_MAX, "%s%s", shadow, path + disk_length) >= PATH_MAX)
        abort();
}

static void wrote(struct file *file, off_t from, off_t to) {
    if (file->ranges > 0 && file->range[file->ranges - 1].to == from) {
        file->range[file->ranges - 1].to = to;
        return;
    }
    if (file->ranges == MAX_RANGES) { /* too many to remember: all of it */
        file->ranges = 0;
        from = 0;
        to = LLONG_MAX;
    }
    file->range[file->ranges].from = from;
    file->range[file->ranges++].to = to;
}

/* Called with the lock held. */
static void opened(int fd, const char *path) {
    struct stat about;
    struct file *slot = NULL;
    if (fd < 0 || fd >= MAX_FDS || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return;
    for (int i = 0; i < MAX_FILES; i++) {
        struct file *file = &files[i];
        if (file->descriptors > 0 && file->device == about.st_dev && file->inode == about.st_ino) {
            file->descriptors++;
            of_fd[fd] = file;
            return;
        }
        if (file->descriptors == 0 && slot == NULL)
            slot = file;
    }
    if (slot == NULL) {
        fprintf(stderr, "powerloss: too many open files\n");
        abort();
    }
    snprintf(slot->path, sizeof slot->path, "%s", path);
    slot->device = about.st_dev;
    slot->inode = about.st_ino;
    slot->descriptors = 1;
    slot->ranges = 0;
    wrote(slot, 0, LLONG_MAX);
    of_fd[fd] = slot;
}

/* Called with the lock held. */
static void synchronised(int fd) {
    static char buffer[65536];
    char path[PATH_MAX];
    struct file *file = of_fd[fd];
    struct stat about;
    if (fstat(fd, &about) != 0 || about.st_nlink == 0)
        return;
    shadow_of(file->path, path);
    int to = real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int from = real_open(file->path, O_RDONLY | O_CLOEXEC);
    if (to < 0 || from < 0) {
        perror("powerloss: shadow");
        abort();
    }
    for (int i = 0; i < file->ranges; i++) {
        off_t at = file->range[i].from;
        while (at < file->range[i].to) {
            off_t left = file->range[i].to - at;
            ssize_t got = pread(from, buffer, left < (off_t)sizeof buffer ? (size_t)left : sizeof buffer, at);
            if (got <= 0)
                break;
            if (real_pwrite(to, buffer, (size_t)got, at) != got) {
                perror("powerloss: shadow");
                abort();
            }
            at += got;
        }
    }
    if (real_ftruncate(to, about.st_size) != 0)
        abort();
    file->ranges = 0;
    real_close(from);
    real_close(to);
}

static int open_any(int at, const char *path, int flags, mode_t mode) {
    int fd = at == AT_FDCWD ? real_open(path, flags, mode) : real_openat(at, path, flags, mode);
    if (fd >= 0 && ours(path)) {
        pthread_mutex_lock(&lock);
        opened(fd, path);
        pthread_mutex_unlock(&lock);
    }
    return fd;
}

#define MODE(flags)                                                                                                    \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode = va_arg(more, mode_t);                                                                                   \
        va_end(more);                                                                                                  \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    return open_any(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags)
    return open_any(at, path, flags, mode);
}

int close(int fd) {
    if (fd >= 0 && fd < MAX_FDS) {
        pthread_mutex_lock(&lock);
        if (of_fd[fd] != NULL)
            of_fd[fd]->descriptors--;
        of_fd[fd] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return real_close(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    if (fd < 0 || fd >= MAX_FDS || of_fd[fd] == NULL)
        return real_pwrite(fd, data, size, at);
    pthread_mutex_lock(&lock);
    ssize_t done = real_pwrite(fd, data, size, at);
    if (done > 0 && of_fd[fd] != NULL)
        wrote(of_fd[fd], at, at + done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return pwrite64(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) {
    if (fd < 0 || fd >= MAX_FDS || of_fd[fd] == NULL)
        return real_write(fd, data, size);
    pthread_mutex_lock(&lock);
    ssize_t done = real_write(fd, data, size);
    off_t after = lseek(fd, 0, SEEK_CUR); /* also right with O_APPEND */
    if (done > 0 && of_fd[fd] != NULL)
        wrote(of_fd[fd], after - done, after);
    pthread_mutex_unlock(&lock);
    return done;
}

static int truncate_any(int fd, off_t size) {
    pthread_mutex_lock(&lock);
    int done = real_ftruncate(fd, size);
    if (done == 0 && fd < MAX_FDS && of_fd[fd] != NULL)
        wrote(of_fd[fd], 0, LLONG_MAX);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t size) {
    return truncate_any(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    return truncate_any(fd, size);
}

static int sync_any(int fd, int (*real)(int)) {
    int done = real(fd);
    if (done == 0 && fd >= 0 && fd < MAX_FDS && of_fd[fd] != NULL) {
        pthread_mutex_lock(&lock);
        if (of_fd[fd] != NULL)
            synchronised(fd);
        pthread_mutex_unlock(&lock);
    }
    return done;
}

int fsync(int fd) {
    return sync_any(fd, real_fsync);
}

int fdatasync(int fd) {
    return sync_any(fd, real_fdatasync);
}

int unlink(const char *path) {
    int done = real_unlink(path);
    if (done == 0 && ours(path)) {
        char gone[PATH_MAX];
        shadow_of(path, gone);
        real_unlink(gone); /* it may have no shadow yet */
    }
    return done;
}

int rename(const char *from, const char *to) {
    int done = real_rename(from, to);
    if (done == 0 && ours(from) && ours(to)) {
        char shadow_from[PATH_MAX], shadow_to[PATH_MAX];
        shadow_of(from, shadow_from);
        shadow_of(to, shadow_to);
        if (real_rename(shadow_from, shadow_to) != 0)
            real_unlink(shadow_to);
        pthread_mutex_lock(&lock);
        for (int i = 0; i < MAX_FILES; i++)
            if (files[i].descriptors > 0 && strcmp(files[i].path, from) == 0)
                snprintf(files[i].path, sizeof files[i].path, "%s", to);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
