# Builds the frozen file against an old glibc: manylinux_2_28's floor instead of the building machine's.
#
#   docker build -f packaging/docker/manylinux.Dockerfile --output type=local,dest=. \
#     --build-arg IMAGE=…/manylinux_2_28_x86_64 --build-arg PYTHON=Python-3.12.8.tgz .
#
# The image's own Pythons come without libpython, static or shared, so one is built here from a source
# tarball in the build context. The floor that results is printed under the table of sizes: the newest
# symbol version that Python, the launcher, OpenSSL and the SDKs' wheels ask for.
ARG IMAGE=manylinux_2_28_x86_64
FROM ${IMAGE} AS build
ARG PYTHON
RUN dnf install -y openssl-devel libffi-devel zlib-devel expat-devel glibc-static && dnf clean all
COPY ${PYTHON} /source.tgz
RUN mkdir /source && tar -xzf /source.tgz -C /source --strip-components=1 && cd /source \
 && ./configure --prefix=/opt/python --enable-shared --enable-optimizations \
      LDFLAGS=-Wl,-rpath,/opt/python/lib \
 && make -j"$(nproc)" && make install
COPY . /build
RUN cd /build && make frozen frozen/static PYTHON=/opt/python/bin/python3

FROM scratch
COPY --from=build /build/dist/ /dist/
