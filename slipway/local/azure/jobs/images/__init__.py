"""What runs in the place of a team's images of jobs: a program each, which does what such an image does.

An image is chosen by its repository (`job_images` of the configuration names a module here) and has its tag in
IMAGE_TAG. A program keeps what it writes in VOLUME, which outlives it, and tells by its exit code how it ended.
"""
