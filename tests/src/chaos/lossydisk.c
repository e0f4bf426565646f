// A disk that fails on purpose, put before a program with LD_PRELOAD. It looks only at files below FLEET_DISK_OF.
//
// What it does is said by files in FLEET_DISK, looked for at each call, so that a test can make the disk ill and well again:
//   full       a write fails with "no space left"
//   readonly   a write fails with "read-only file system"
//   short      a write takes half of its bytes: who looks at the count writes the rest, SQLite calls it a full disk
//   sync       an fsync fails with an I/O error
//   die        the n-th fsync from now (the number in the file) ends the program with SIGKILL; "-n": just after that fsync
//
// Power loss: before each write that no fsync has followed yet, what it overwrites is kept in FLEET_DISK/undo. A test that ends the
// program puts some of it back: that is the file as a disk could hold it after the power went. Entries of folders (a new file, a new
// name) are not lost by this shim, and files mapped into memory are not seen.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *ill, *of;
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);

__attribute__((constructor)) static void begin(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  ill = getenv("FLEET_DISK");
  of = getenv("FLEET_DISK_OF");
}

// The file's path when it is one of those that are watched.
static int watched(int fd, char *path, size_t room) {
  if (!ill || !of || fd < 0) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, room - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return !strncmp(path, of, strlen(of));
}

static int is(const char *illness) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", ill, illness);
  return access(path, F_OK) == 0;
}

static void undo_file(const char *path, char *to, size_t room) {
  uint64_t h = 1469598103934665603ull;
  for (const char *c = path; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211ull;
  snprintf(to, room, "%s/undo/%016llx", ill, (unsigned long long)h);
}

// Keeps what the next write overwrites: path, size before, place, length, bytes.
static void keep(int fd, const char *path, off_t at, size_t length) {
  struct stat known;
  if (fstat(fd, &known) || !S_ISREG(known.st_mode)) return;
  char name[4200];
  undo_file(path, name, sizeof name);
  int log = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (log < 0) return;
  size_t old = at >= known.st_size ? 0 : (size_t)(known.st_size - at);
  if (old > length) old = length;
  uint64_t head[5] = {strlen(path), (uint64_t)known.st_size, (uint64_t)at, length, old};
  char *bytes = malloc(sizeof head + head[0] + old + 1);
  if (bytes) {
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, path, head[0]);
    // A file that may only be written is read through its name.
    int from = open(path, O_RDONLY);
    ssize_t got = old ? pread(from, bytes + sizeof head + head[0], old, at) : 0;
    if (from >= 0) close(from);
    if (got == (ssize_t)old) (void)!real_write(log, bytes, sizeof head + head[0] + old);
    free(bytes);
  }
  close(log);
}

// 0: go on; -1: fails with errno set; 1: half of it.
static int may_write(int fd, const char *path, off_t at, size_t length) {
  if (is("full")) { errno = ENOSPC; return -1; }
  if (is("readonly")) { errno = EROFS; return -1; }
  keep(fd, path, at, length);
  return is("short") && length > 1;
}

static off_t here(int fd) {
  struct stat known;
  if ((fcntl(fd, F_GETFL) & O_APPEND) && !fstat(fd, &known)) return known.st_size;
  return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t n) {
  char path[4096];
  if (!watched(fd, path, sizeof path)) return real_write(fd, bytes, n);
  pthread_mutex_lock(&lock);
  int may = may_write(fd, path, here(fd), n);
  ssize_t wrote = may < 0 ? -1 : real_write(fd, bytes, may ? n / 2 : n);
  pthread_mutex_unlock(&lock);
  return wrote;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at) {
  char path[4096];
  if (!watched(fd, path, sizeof path)) return real_pwrite(fd, bytes, n, at);
  pthread_mutex_lock(&lock);
  int may = may_write(fd, path, at, n);
  ssize_t wrote = may < 0 ? -1 : real_pwrite(fd, bytes, may ? n / 2 : n, at);
  if (may > 0) { errno = ENOSPC; if (wrote >= 0) wrote = n / 2; }
  pthread_mutex_unlock(&lock);
  return wrote;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) { return pwrite64(fd, bytes, n, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  char path[4096];
  if (!watched(fd, path, sizeof path)) return real_writev(fd, parts, count);
  size_t n = 0;
  for (int i = 0; i < count; i++) n += parts[i].iov_len;
  pthread_mutex_lock(&lock);
  int may = may_write(fd, path, here(fd), n);
  ssize_t wrote = may < 0 ? -1 : may ? real_write(fd, parts[0].iov_base, parts[0].iov_len / 2)
                                     : real_writev(fd, parts, count);
  pthread_mutex_unlock(&lock);
  return wrote;
}

int ftruncate64(int fd, off_t to) {
  char path[4096];
  struct stat known;
  if (!watched(fd, path, sizeof path)) return real_ftruncate(fd, to);
  pthread_mutex_lock(&lock);
  if (!fstat(fd, &known) && to < known.st_size) keep(fd, path, to, (size_t)(known.st_size - to));
  int done = real_ftruncate(fd, to);
  pthread_mutex_unlock(&lock);
  return done;
}

int ftruncate(int fd, off_t to) { return ftruncate64(fd, to); }

static long dies_in(void) {
  char path[4096], text[32] = {0};
  snprintf(path, sizeof path, "%s/die", ill);
  int fd = open(path, O_RDWR);
  if (fd < 0) return 0;
  long n = read(fd, text, sizeof text - 1) > 0 ? atol(text) : 0;
  long next = n > 0 ? n - 1 : n < 0 ? n + 1 : 0;
  if (n && next) {
    snprintf(text, sizeof text, "%ld\n   ", next);
    (void)!pwrite(fd, text, strlen(text), 0);
  }
  close(fd);
  // Only the last one counts.
  return next ? 0 : n;
}

static int sync_with(int fd, int (*real)(int)) {
  char path[4096], name[4200];
  if (!watched(fd, path, sizeof path)) return real(fd);
  pthread_mutex_lock(&lock);
  long dies = dies_in();
  if (dies > 0) kill(getpid(), SIGKILL);
  int done = -1;
  if (is("sync")) {
    errno = EIO;
  } else if (!(done = real(fd))) {
    undo_file(path, name, sizeof name);
    unlink(name);
  }
  if (dies < 0) kill(getpid(), SIGKILL);
  pthread_mutex_unlock(&lock);
  return done;
}

int fsync(int fd) { return sync_with(fd, real_fsync); }
int fdatasync(int fd) { return sync_with(fd, real_fdatasync); }
