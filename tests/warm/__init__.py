"""Starts Python programs in forks of a process that has imported TFX, which takes ten seconds.

`server.py` is that process and `client.py` the command that stands for `python` and `tfx`;
`commands.py` makes the commands and starts the server, `plugin.py` does so in each run of pytest.
"""
